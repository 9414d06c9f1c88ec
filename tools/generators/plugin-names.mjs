/** The names that a generated package goes by, checked before anything is written. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Script } from 'node:vm';

/** The name as the generated files need it: my-method, myMethod, MyMethod, MY_METHOD. Throws where it would not do. */
export function checkedNames(tree, name, templates) {
  const refuse = (reason) => {
    throw new Error(`The plugin cannot be called '${name}': ${reason}`);
  };
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name))
    refuse(
      "expected kebab-case, such as 'my-method': lower-case letters and digits, with single hyphens between words.",
    );
  if (tree.exists(`packages/${name}`)) refuse(`packages/${name} is there already. Choose another name.`);
  if (tree.exists(`.changeset/${name}.md`)) refuse(`.changeset/${name}.md is there already. Choose another name.`);
  if (/^(index|version|utils?|helpers?|common|types|managers?|misc)$/.test(name))
    refuse('a file of that name says nothing, or stands for something else. Choose the name of the idea.');

  const words = name.split('-');
  const pascalName = words.map((word) => word[0].toUpperCase() + word.slice(1)).join('');
  const camelName = pascalName[0].toLowerCase() + pascalName.slice(1);
  if (isReserved(camelName) || usedIn(templates, camelName))
    refuse(`the generated code would use '${camelName}' twice. Choose another name.`);
  return { name, camelName, pascalName, constantName: words.join('_').toUpperCase() };
}

/** Whether JavaScript keeps the word for itself; the script is compiled and not run. */
function isReserved(word) {
  try {
    new Script(`'use strict'; async () => { const ${word} = 0; };`);
    return false;
  } catch {
    return true;
  }
}

function usedIn(templates, word) {
  return readdirSync(path.join(templates, 'src')).some((file) =>
    new RegExp(`\\b${word}\\b`).test(readFileSync(path.join(templates, 'src', file), 'utf8')),
  );
}
