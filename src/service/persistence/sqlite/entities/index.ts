import { ApiKeyEntity } from './api-key.entity.js';
import { AuditEntity } from './audit.entity.js';
import { ConsentEntity } from './consent.entity.js';
import { EnrollmentEntity } from './enrollment.entity.js';
import { JobItemEntity } from './job-item.entity.js';
import { JobEntity } from './job.entity.js';
import { ProfileEntity } from './profile.entity.js';
import { SettingEntity } from './setting.entity.js';
import { SpeakerEntity } from './speaker.entity.js';

export const ENTITIES = [
  SpeakerEntity,
  EnrollmentEntity,
  ProfileEntity,
  SettingEntity,
  AuditEntity,
  ConsentEntity,
  JobEntity,
  JobItemEntity,
  ApiKeyEntity,
];
