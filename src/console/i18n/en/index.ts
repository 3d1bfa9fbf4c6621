import { accuracy } from './accuracy.js';
import { calibrations } from './calibrations.js';
import { common } from './common.js';
import { conversations } from './conversations.js';
import { decide } from './decide.js';
import { enrol } from './enrol.js';
import { errors } from './errors.js';
import { groups } from './groups.js';
import { identify } from './identify.js';
import { nav } from './nav.js';
import { operations } from './operations.js';
import { people } from './people.js';
import { preferences } from './preferences.js';
import { recorder } from './recorder.js';
import { signIn } from './sign-in.js';
import { unknownVoices } from './unknown-voices.js';
import { upkeep } from './upkeep.js';
import { verify } from './verify.js';
import { webhooks } from './webhooks.js';
import { welcome } from './welcome.js';

export const en = {
  common,
  errors,
  nav,
  preferences,
  signIn,
  welcome,
  people,
  groups,
  recorder,
  enrol,
  decide,
  verify,
  identify,
  conversations,
  unknownVoices,
  accuracy,
  calibrations,
  operations,
  upkeep,
  webhooks,
};

/** Every text of the page; other languages have the same ones, which the types check. */
export type Messages = typeof en;
