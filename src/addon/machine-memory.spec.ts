import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { totalmem } from 'node:os';
import { defaultInputBytes, defaultWorkingBytes, machineMemory } from './machine-memory.js';

const MIB = 2 ** 20;

afterEach(() => {
  jest.restoreAllMocks();
});

describe('the memory of the machine', () => {
  test('is what the control group allows, where that is less than there is', () => {
    jest.spyOn(process, 'constrainedMemory').mockReturnValue(100 * MIB);
    expect(machineMemory()).toBe(100 * MIB);
  });

  test.each([0, 2 ** 64])('is all of it where the control group says %d', (allowed) => {
    jest.spyOn(process, 'constrainedMemory').mockReturnValue(allowed);
    expect(machineMemory()).toBe(totalmem());
  });

  test('gives an eighth to inputs and half to embedding, and a small machine enough for one recording', () => {
    expect(defaultInputBytes(16_384 * MIB)).toBe(2048 * MIB);
    expect(defaultWorkingBytes(16_384 * MIB)).toBe(8192 * MIB);
    expect(defaultInputBytes(128 * MIB)).toBe(64 * MIB);
    expect(defaultWorkingBytes(128 * MIB)).toBe(256 * MIB);
  });
});
