/** node check.cjs FOLDER PACKAGE: loads the package from the folder, multiplies two matrices, and takes a gradient. */
const { createRequire } = require('node:module');
const path = require('node:path');

const [folder, name] = process.argv.slice(2);
const tf = createRequire(path.join(folder, 'package.json'))(name);
const square = tf.tensor2d([
  [1, 2],
  [3, 4],
]);
const product = [...tf.matMul(square, square).dataSync()];
const gradient = [
  ...tf
    .grad((x) => tf.sum(tf.square(x)))(square)
    .dataSync(),
];
if (tf.getBackend() !== 'tensorflow' || String(product) !== '7,10,15,22' || String(gradient) !== '2,4,6,8') {
  console.error(`backend ${tf.getBackend()}, product ${product}, gradient ${gradient}`);
  process.exit(1);
}
console.log(`       ${name} ${tf.version['tfjs-node']}, libtensorflow ${tf.backend().binding.TF_Version}`);
