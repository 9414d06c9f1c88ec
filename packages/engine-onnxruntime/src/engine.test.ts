import { describeEngine } from '@loran/testing';
import { createOnnxruntimeEngine } from './engine.js';

describeEngine(() => createOnnxruntimeEngine({ log: () => undefined }), { options: { device: 'cpu', threads: 2 } });
