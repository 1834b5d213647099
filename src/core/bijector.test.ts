import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { defineBijector } from './bijector.js';
import { buffer, defineModule, parameter } from './module.js';

const half = () =>
  defineBijector({
    name: 'half',
    forwardEvent: [2],
    forwardAndLogDet: (x) => [tf.div(x, 2), tf.fill(x.shape.slice(0, -1), -2 * Math.LN2)],
    inverseAndLogDet: (y) => [tf.mul(y, 2), tf.fill(y.shape.slice(0, -1), 2 * Math.LN2)],
  });

describe('defineBijector', () => {
  test('derives forward and inverse, ranks and costs', () => {
    const bijector = half();
    expect([bijector.forwardEventRank, bijector.inverseEventRank, bijector.forwardCost, bijector.inverseCost]).toEqual([
      1,
      1,
      'parallel',
      'parallel',
    ]);
    expect([...bijector.forward(tf.tensor1d([4, 6])).dataSync()]).toEqual([2, 3]);
    expect([...bijector.inverse(tf.tensor1d([4, 6])).dataSync()]).toEqual([8, 12]);
    expect('initialize' in bijector).toBe(false);
  });

  test('keeps the ranks of the two sides apart', () => {
    const flatten = defineBijector({
      name: 'flatten',
      forwardEvent: [2, null],
      inverseEvent: [4],
      forwardCost: 'sequential',
      inverseCost: 'iterative',
      forwardAndLogDet: (x) => [tf.reshape(x, [...x.shape.slice(0, -2), 4]), tf.zeros(x.shape.slice(0, -2))],
      inverseAndLogDet: (y) => [tf.reshape(y, [...y.shape.slice(0, -1), 2, 2]), tf.zeros(y.shape.slice(0, -1))],
    });
    expect([flatten.forwardEventRank, flatten.inverseEventRank, flatten.forwardCost, flatten.inverseCost]).toEqual([
      2,
      1,
      'sequential',
      'iterative',
    ]);
    expect(flatten.inverse(tf.zeros([3, 4])).shape).toEqual([3, 2, 2]);
    expect(() => flatten.inverse(tf.zeros([3, 2, 2]))).toThrow(
      'flatten.inverse: y should be a float32 tensor of shape [...batch, 4], but got a float32 tensor of shape [3, 2, 2].',
    );
    expect(() => flatten.forward(tf.zeros([3, 4]))).toThrow('shape [...batch, 2, ?]');
  });

  test('never hands back its input', () => {
    const same = defineBijector({
      name: 'same',
      forwardEvent: [],
      forwardAndLogDet: (x) => [x, x],
      inverseAndLogDet: (y) => [y, y],
    });
    const x = tf.scalar(3);
    const [y, logDet] = same.forwardAndLogDet(x);
    tf.dispose([y, logDet, same.inverse(x)]);
    expect(x.isDisposed).toBe(false);
    expect(x.dataSync()[0]).toBe(3);
  });

  test('frees what the formulas leave', () => {
    const bijector = defineBijector({
      name: 'messy',
      forwardEvent: [1],
      forwardAndLogDet: (x) => {
        tf.exp(x);
        return [tf.mul(x, 2), tf.zeros(x.shape.slice(0, -1))];
      },
      inverseAndLogDet: (y) => [tf.div(y, 2), tf.zeros(y.shape.slice(0, -1))],
    });
    const x = tf.tensor1d([1]);
    const before = tf.memory().numTensors;
    tf.dispose(bijector.forwardAndLogDet(x));
    tf.dispose(bijector.forward(x));
    expect(tf.memory().numTensors).toBe(before);
  });

  test.each([
    [
      'a wrong size',
      () => tf.zeros([3, 3]),
      'half.forward: x should be a float32 tensor of shape [...batch, 2], but got a float32 tensor of shape [3, 3].',
    ],
    ['a scalar', () => tf.scalar(1), 'but got a float32 tensor of shape [].'],
    ['integers', () => tf.tensor1d([1, 2], 'int32'), 'but got a int32 tensor of shape [2].'],
    ['an array', () => [1, 2] as unknown as tf.Tensor, 'but got [1,2].'],
    ['nothing', () => undefined as unknown as tf.Tensor, 'but got nothing.'],
    [
      'a disposed tensor',
      () => {
        const x = tf.zeros([2]);
        x.dispose();
        return x;
      },
      'shape [2] that is disposed.',
    ],
  ] as const)('refuses %s', (_, make, message) => {
    expect(() => half().forward(make())).toThrow(message);
  });

  test('asks for its context, and lets leading axes of it broadcast', () => {
    const shifted = defineBijector({
      name: 'shifted',
      forwardEvent: [2],
      contextDim: 2,
      forwardAndLogDet: (x, { context }) => [tf.add(x, context as tf.Tensor), tf.zeros(x.shape.slice(0, -1))],
      inverseAndLogDet: (y, { context }) => [tf.sub(y, context as tf.Tensor), tf.zeros(y.shape.slice(0, -1))],
    });
    const x = tf.zeros([3, 5, 2]);
    expect(shifted.forward(x, { context: tf.ones([5, 2]) }).shape).toEqual([3, 5, 2]);
    expect(shifted.forward(x, { context: tf.ones([3, 1, 2]) }).shape).toEqual([3, 5, 2]);
    const message =
      'shifted.forward: options.context should be a float32 tensor of shape [3, 5, 2] (leading axes may broadcast), but got';
    expect(() => shifted.forward(x)).toThrow(`${message} nothing.`);
    expect(() => shifted.forward(x, { context: tf.ones([3, 2]) })).toThrow(`${message} a float32 tensor of shape [3, 2].`);
    expect(() => shifted.forward(x, { context: tf.ones([5, 3]) })).toThrow(message);
    expect(() => shifted.forward(tf.zeros([2]), { context: tf.ones([4, 2]) })).toThrow('shape [2] (leading');
    expect(() => shifted.forward(x, { context: tf.ones([5, 2], 'int32') })).toThrow(message);
  });

  test('passes initialize the data side', () => {
    let seen: number[] = [];
    const bijector = defineBijector({
      name: 'seen',
      forwardEvent: [2],
      inverseEvent: [3],
      forwardAndLogDet: (x) => [x, x],
      inverseAndLogDet: (y) => [y, y],
      initialize: (data) => {
        seen = data.shape;
      },
    });
    bijector.initialize?.(tf.zeros([4, 3]));
    expect(seen).toEqual([4, 3]);
    expect(() => bijector.initialize?.(tf.zeros([4, 2]))).toThrow('seen.initialize: data should be');
  });
});

describe('defineModule', () => {
  test('names variables by path and frees each once', () => {
    const inner = defineModule({
      parameters: { w: parameter(() => tf.zeros([2])) },
      buffers: { flag: buffer(() => tf.scalar(0)) },
    });
    const b = parameter(() => tf.scalar(1));
    const outer = defineModule({ parameters: { b }, parts: { 'layers.0': inner, '': defineModule({}) } });
    expect(Object.keys(outer.parameters)).toEqual(['b', 'layers.0.w']);
    expect(Object.keys(outer.buffers)).toEqual(['layers.0.flag']);
    expect(Object.values(outer.parameters).map((value) => value.trainable)).toEqual([true, true]);
    expect(outer.buffers['layers.0.flag']?.trainable).toBe(false);
    const before = tf.memory().numTensors;
    outer.dispose();
    outer.dispose();
    expect(before - tf.memory().numTensors).toBe(3);
    expect(b.isDisposed).toBe(true);
  });

  test('refuses two variables of one name', () => {
    const part = () => defineModule({ parameters: { w: parameter(() => tf.scalar(0)) } });
    expect(() => defineModule({ parts: { a: part(), '': defineModule({ parts: { a: part() } }) } })).toThrow(
      "defineModule: the name of one of two parameters should be another, but got 'a.w'.",
    );
  });

  test('leaves nothing of the making of a variable', () => {
    const before = tf.memory().numTensors;
    const made = parameter(() => tf.mul(tf.ones([2]), 3));
    expect(tf.memory().numTensors - before).toBe(1);
    made.dispose();
  });
});
