import { describe, expect, test } from '@jest/globals';
import { fewDescriptors } from './descriptors.js';

const limits = (soft: string): string => `Limit                     Soft Limit           Hard Limit           Units
Max processes             95901                95901                processes
Max open files            ${soft}                  1048576              files
`;

describe('how many files a process may have open', () => {
  test('is told with what to do where it is few', () => {
    expect(fewDescriptors(limits('512'))).toMatch(/may have 512 files.*EMFILE.*ulimit -n 4096.*LimitNOFILE=4096/);
    expect(fewDescriptors(limits('1023'))).not.toBeNull();
  });

  test.each(['1024', '1048576', 'unlimited'])('is enough with %s', (soft) => {
    expect(fewDescriptors(limits(soft))).toBeNull();
  });

  test('is nothing to speak of where the system does not say', () => {
    expect(fewDescriptors('')).toBeNull();
  });
});
