import { defineProject, mergeConfig } from 'vitest/config';
import shared from '../../vitest.shared.js';

// As the README tells users of an older glibc: read when the test processes start, and without it the law on peak memory measures glibc.
process.env.MALLOC_MMAP_THRESHOLD_ ??= '1048576';

export default mergeConfig(shared, defineProject({ test: { name: 'engine-tensorflow' } }));
