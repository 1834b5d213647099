// What users import, what it may weigh at most (gzip, apart from tfjs-core, in bytes), and which of our functions the bundle
// must not have: an import must not drag in what it does not use.
export const fixtures = [
  {
    source: "import { planar, chain, flow } from 'tfjs-flows'",
    limit: 6000,
    absent: [
      'coupling',
      'autoregressive',
      'made',
      'mlp',
      'logisticMixtureCdf',
      'actNorm',
      'vae',
      'iwae',
      'elboSurgery',
      'uniformDequantizer',
    ],
  },
  {
    source: "import { iaf, made, flow, diagNormal } from 'tfjs-flows'",
    limit: 11400,
    absent: ['planar', 'logisticMixtureCdf', 'actNorm', 'vae', 'elboSurgery', 'uniformDequantizer'],
  },
  {
    source: "import { vae, elbo, mlp, diagNormal, bernoulli, standardNormal } from 'tfjs-flows'",
    limit: 10100,
    absent: ['planar', 'coupling', 'autoregressive', 'made', 'logisticMixtureCdf', 'uniformDequantizer', 'iwae', 'elboSurgery'],
  },
  {
    source: "import { uniformDequantizer, dequantizedLogProb, bitsPerDim } from 'tfjs-flows'",
    limit: 6000,
    absent: ['planar', 'coupling', 'autoregressive', 'made', 'vae', 'elboSurgery'],
  },
  {
    source: "import { fit } from 'tfjs-flows/training'",
    limit: 12000,
    absent: ['planar', 'coupling', 'autoregressive', 'made', 'vae'],
  },
  {
    source: "import { saveSafetensors, loadSafetensors } from 'tfjs-flows/io'",
    limit: 6000,
    absent: ['planar', 'coupling', 'autoregressive', 'made', 'vae', 'fit'],
  },
  {
    source: "import { mig, sap, dci } from 'tfjs-flows/metrics'",
    limit: 6500,
    absent: [
      'planar',
      'vae',
      'elbo',
      'betaVaeScore',
      'explicitness',
      'logisticRegression',
      'sprites',
      'represent',
      'latentTraversal',
    ],
  },
];
