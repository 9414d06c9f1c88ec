/**
 * What a method or a storage needs of the packages below this one: the schema of its configuration, errors with a code, variables, the
 * product with a weight. Here, so that a package of somebody else's depends on this one alone, and has its very copies.
 */
export { LoranError } from '@loran/plugin';
export { linear, variable } from '@loran/tensor';
export { z } from 'zod';
