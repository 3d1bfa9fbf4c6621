import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { Answer } from '../../../client/index.js';
import layout from '../../styles/layout.module.css';
import { ConsentBadge, EnrollmentBadge, personName } from './person-state.js';

/** The first cells of a row about a person: who it is, and whether the voice is enrolled with consent. */
export function PersonCells({ person }: { person: Answer<'getSpeaker'> }): ReactNode {
  const name = personName(person);
  return (
    <>
      <th scope="row">
        <Link href={`/people/${encodeURIComponent(person.id)}`} dir="auto">
          {name}
        </Link>
        {name !== person.id && (
          <div className="muted mono" dir="auto">
            {person.id}
          </div>
        )}
      </th>
      <td>
        <span className={layout['row']}>
          <EnrollmentBadge person={person} />
          <ConsentBadge status={person.consentStatus} />
        </span>
      </td>
    </>
  );
}
