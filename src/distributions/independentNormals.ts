import type { Distribution } from '../core/distribution.js';
import type { DiagNormalOptions } from './diagNormal.js';
import { locationScale } from './locationScale.js';
import { normalFamily, standardNormalDensity } from './normalFamily.js';

/** What `normal` and `diagNormal` are, under its name. */
export function independentNormals(name: string, { mean, ...rest }: DiagNormalOptions): Distribution {
  return locationScale(
    name,
    standardNormalDensity,
    { ...rest, ...(mean === undefined ? {} : { location: mean }) },
    (at, eventRank) =>
      normalFamily((call) => {
        const { location, logScale } = at(call);
        return { mean: location, logScale };
      }, eventRank),
  );
}
