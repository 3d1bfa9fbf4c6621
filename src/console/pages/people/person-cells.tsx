import type { ReactNode } from 'react';
import type { Answer } from '../../../client/index.js';
import layout from '../../styles/layout.module.css';
import { RowHeading } from '../../ui/row-heading.js';
import { ConsentBadge, EnrollmentBadge, personName } from './person-state.js';

/** The first cells of a row about a person: who it is, and whether the voice is enrolled with consent. */
export function PersonCells({ person }: { person: Answer<'getSpeaker'> }): ReactNode {
  return (
    <>
      <RowHeading href={`/people/${encodeURIComponent(person.id)}`} name={personName(person)} id={person.id} />
      <td>
        <span className={layout['row']}>
          <EnrollmentBadge person={person} />
          <ConsentBadge status={person.consentStatus} />
        </span>
      </td>
    </>
  );
}
