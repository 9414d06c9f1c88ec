/** Name and version of package.json: adapters' files keep them, so that an error can say what to install. */
export const origin = { package: 'loran-third-party-example', version: '1.2.0' };
