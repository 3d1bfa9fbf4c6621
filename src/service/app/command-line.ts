/** All that the command line does with a service beside calling it: it runs one, or works on a data folder itself. */
export { createLog } from '../http/logging.js';
export {
  acknowledgeRestore,
  backUp,
  createKey,
  examineData,
  forgetRetired,
  listKeys,
  moveData,
  revokeKey,
  rotateHere,
} from './data-folder.js';
export type { KeyView } from '../access/key-view.js';
export type { DataReport } from '../persistence/common/examine.js';
export type { MoveReport } from '../persistence/common/move.js';
export type { MoveDirection } from '../persistence/move.js';
export { serve } from './serve.js';
export { startService } from './service.js';
