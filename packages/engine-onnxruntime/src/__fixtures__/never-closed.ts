/** Opens the engine, computes, leaves work pending and in flight, and never closes: the process must end by itself. */
import * as tf from '@tensorflow/tfjs-core';
import { openEngine } from '@loran/tensor';
import { createOnnxruntimeEngine } from '../engine.js';

const engine = await openEngine(createOnnxruntimeEngine(), { device: 'cpu' });
const x = tf.ones<tf.Rank.R2>([512, 512]);
console.log((await tf.sum(x).data())[0]);
void engine.flush();
tf.matMul(x, x);
