import type { ReactNode } from 'react';
import type { Answer } from '../../../client/index.js';
import { useMessages } from '../../i18n/index.js';
import { Badge } from '../../ui/badge.js';

type Person = Answer<'getSpeaker'>;

/** What to call somebody: the name, or the id where there is none. */
export function personName({ name, id }: { name: string | null; id: string }): string {
  return name ?? id;
}

export function EnrollmentBadge({ person }: { person: Pick<Person, 'enrollmentStatus'> }): ReactNode {
  const t = useMessages().people;
  const enrolled = person.enrollmentStatus === 'Enrolled';
  return <Badge tone={enrolled ? 'good' : 'warn'}>{enrolled ? t.enrolled : t.enrolling}</Badge>;
}

/** Given is what is expected, and is not shown in lists. */
export function ConsentBadge({
  status,
  always = false,
}: {
  status: Person['consentStatus'];
  always?: boolean;
}): ReactNode {
  const t = useMessages().people.consent;
  if (status === 'GIVEN' && !always) return null;
  const tone = status === 'GIVEN' ? 'good' : status === 'WITHDRAWN' ? 'bad' : 'warn';
  return <Badge tone={tone}>{t.statuses[status]}</Badge>;
}
