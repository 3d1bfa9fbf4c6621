import { EnrollmentEntity } from './enrollment.entity.js';
import { ProfileEntity } from './profile.entity.js';
import { SettingEntity } from './setting.entity.js';
import { SpeakerEntity } from './speaker.entity.js';

export const ENTITIES = [SpeakerEntity, EnrollmentEntity, ProfileEntity, SettingEntity];
