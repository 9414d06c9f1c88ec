import { expect, test } from 'vitest';
import { allocatorNotice } from './allocator-notice.js';

test.each([
  ['2.36', {}, true],
  ['2.38', {}, false],
  ['3.1', {}, false],
  ['2.36', { MALLOC_MMAP_THRESHOLD_: '1048576' }, false],
])('glibc %s with %o: told %s', (glibc, environment, told) => {
  const notice = allocatorNotice(environment, glibc);
  expect(notice !== undefined).toBe(told);
  if (told) expect(notice).toMatch(/glibc 2\.36.*MALLOC_MMAP_THRESHOLD_=1048576/);
});
