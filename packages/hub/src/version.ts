/** Version of this package, as its plugins state it. */
export const version = '0.1.0';
