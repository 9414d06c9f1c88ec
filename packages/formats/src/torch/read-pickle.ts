/**
 * Reads the part of pickle that a state dict is made of: numbers, strings, tuples, lists, dictionaries, storages by their id, and calls
 * of functions that the caller knows by name. Nothing is executed: a name is compared, never looked up, and everything else is refused.
 *
 * Source: the opcodes of Python's pickletools, protocols 2 to 5. Not here: opcodes that make any other object (INST, OBJ, NEWOBJ, …), the
 * text opcodes of protocol 0, sets, bytes, extensions.
 */
import { TensorFileError } from '../tensor-file-error.js';
import { PickleCursor } from './pickle-cursor.js';
import { PickleGlobal, PickleList, PickleStack } from './pickle-stack.js';

/** What the names of a pickle mean. */
export interface PickleWorld {
  /** Whether the name ('collections.OrderedDict') may occur at all. */
  knows(name: string): boolean;
  /** The result of calling it. */
  call(name: string, parameters: readonly unknown[]): unknown;
  /** The object of a persistent id. */
  persistent(id: unknown): unknown;
}

/** The value that the pickle builds. Throws TORCH_PICKLE, naming the opcode or the name and where it stands; and what `world` throws. */
export function readPickle(bytes: Uint8Array, world: PickleWorld, file: string): unknown {
  const cursor = new PickleCursor(
    bytes,
    (problem, at) =>
      new TensorFileError(
        'TORCH_PICKLE',
        file,
        `its pickle ${problem} (byte ${at}). Nothing of it was executed. Save a plain state dict: torch.save(model.state_dict(), file), or safetensors.`,
      ),
  );
  const stack = new PickleStack((problem) => cursor.refuse(problem));
  for (let opcode = cursor.opcode(); opcode !== stop; opcode = cursor.opcode()) {
    const run = opcodes[opcode];
    if (run === undefined) {
      const name = refusedOpcodes[opcode] ?? `0x${opcode.toString(16).padStart(2, '0')}`;
      throw cursor.refuse(`has the opcode ${name}, which no state dict needs`);
    }
    run(cursor, stack, world);
  }
  const value = stack.pop();
  if (!stack.empty) throw cursor.refuse('leaves values behind');
  return value;
}

type Opcode = (cursor: PickleCursor, stack: PickleStack, world: PickleWorld) => void;

const code = (character: string): number => character.charCodeAt(0);

const stop = code('.');

const opcodes: Readonly<Record<number, Opcode>> = {
  [0x80]: (cursor) => {
    const protocol = cursor.unsigned(1);
    if (protocol < 2 || protocol > 5) throw cursor.refuse(`has protocol ${protocol}; expected 2 to 5`);
  },
  [0x95]: (cursor) => void cursor.length64(), // FRAME: how much follows, for readers of streams

  [code('N')]: (_, stack) => stack.push(null),
  [0x88]: (_, stack) => stack.push(true),
  [0x89]: (_, stack) => stack.push(false),
  [code('K')]: (cursor, stack) => stack.push(cursor.unsigned(1)), // BININT1
  [code('M')]: (cursor, stack) => stack.push(cursor.unsigned(2)), // BININT2
  [code('J')]: (cursor, stack) => stack.push(cursor.signed()), // BININT
  [0x8a]: (cursor, stack) => stack.push(cursor.long(cursor.unsigned(1))), // LONG1
  [code('G')]: (cursor, stack) => stack.push(cursor.double()), // BINFLOAT
  [0x8c]: (cursor, stack) => stack.push(cursor.text(cursor.unsigned(1))), // SHORT_BINUNICODE
  [code('X')]: (cursor, stack) => stack.push(cursor.text(cursor.unsigned(4))), // BINUNICODE
  [0x8d]: (cursor, stack) => stack.push(cursor.text(cursor.length64())), // BINUNICODE8

  [code('(')]: (_, stack) => stack.pushMark(),
  [code(')')]: (_, stack) => stack.pushTuple(0),
  [0x85]: (_, stack) => stack.pushTuple(1),
  [0x86]: (_, stack) => stack.pushTuple(2),
  [0x87]: (_, stack) => stack.pushTuple(3),
  [code('t')]: (_, stack) => stack.push(stack.popToMark()), // TUPLE
  [code(']')]: (_, stack) => stack.pushContainer(new PickleList()),
  [code('a')]: (_, stack) => stack.append([stack.pop()]),
  [code('e')]: (_, stack) => stack.append(stack.popToMark()),
  [code('}')]: (_, stack) => stack.pushContainer(new Map()),
  [code('s')]: (_, stack) => {
    const value = stack.pop();
    stack.setItems([stack.pop(), value]);
  },
  [code('u')]: (_, stack) => stack.setItems(stack.popToMark()),

  [code('q')]: (cursor, stack) => stack.remember(cursor.unsigned(1)), // BINPUT
  [code('r')]: (cursor, stack) => stack.remember(cursor.unsigned(4)), // LONG_BINPUT
  [0x94]: (_, stack) => stack.remember(), // MEMOIZE
  [code('h')]: (cursor, stack) => stack.recall(cursor.unsigned(1)), // BINGET
  [code('j')]: (cursor, stack) => stack.recall(cursor.unsigned(4)), // LONG_BINGET

  [code('c')]: (cursor, stack, world) => global(`${cursor.line()}.${cursor.line()}`, cursor, stack, world),
  [0x93]: (cursor, stack, world) => {
    const name = stack.pop();
    const module = stack.pop();
    if (typeof name !== 'string' || typeof module !== 'string') throw cursor.refuse('names something by no string');
    global(`${module}.${name}`, cursor, stack, world); // STACK_GLOBAL
  },
  [code('R')]: (cursor, stack, world) => {
    const [parameters, called] = [stack.pop(), stack.pop()];
    if (!(called instanceof PickleGlobal) || !Array.isArray(parameters)) {
      throw cursor.refuse('calls something that is no function');
    }
    const result = world.call(called.name, parameters);
    if (result instanceof Map) stack.pushContainer(result);
    else stack.push(result);
  },
  [code('Q')]: (_, stack, world) => stack.push(world.persistent(stack.pop())), // BINPERSID
  // BUILD: attributes. Those of a state dict (the versions of its modules) say nothing of its tensors
  [code('b')]: (_, stack) => {
    stack.pop();
    stack.dictionary();
  },
};

/** Opcodes that a hostile or foreign pickle is likely to have, for the error. */
const refusedOpcodes: Readonly<Record<number, string>> = {
  [code('i')]: 'INST',
  [code('o')]: 'OBJ',
  [0x81]: 'NEWOBJ',
  [0x92]: 'NEWOBJ_EX',
  [0x82]: 'EXT1',
  [0x83]: 'EXT2',
  [0x84]: 'EXT4',
  [code('P')]: 'PERSID',
  [code('B')]: 'BINBYTES',
  [code('C')]: 'SHORT_BINBYTES',
  [0x8f]: 'EMPTY_SET',
  [code('S')]: 'STRING',
  [code('V')]: 'UNICODE',
  [code('I')]: 'INT',
};

function global(name: string, cursor: PickleCursor, stack: PickleStack, world: PickleWorld): void {
  if (!world.knows(name))
    throw cursor.refuse(`asks for ${JSON.stringify(name.slice(0, 200))}, which no state dict needs`);
  stack.push(new PickleGlobal(name));
}
