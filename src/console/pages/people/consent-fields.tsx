import type { ReactNode } from 'react';
import { useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { Checkbox, TextField } from '../../ui/field.js';

export interface ConsentEntry {
  agreed: boolean;
  method: string;
  textVersion: string;
  givenBy: string;
}

export const NO_CONSENT: ConsentEntry = { agreed: false, method: '', textVersion: '', givenBy: '' };

/** As the API takes it; null where nobody has agreed, or it is not said how and to what. */
export function consentOf({ agreed, method, textVersion, givenBy }: ConsentEntry): {
  method: string;
  textVersion: string;
  givenBy?: string;
} | null {
  if (!agreed || method.trim() === '' || textVersion.trim() === '') return null;
  return {
    method: method.trim(),
    textVersion: textVersion.trim(),
    ...(givenBy.trim() !== '' && { givenBy: givenBy.trim() }),
  };
}

interface ConsentFieldsProps {
  value: ConsentEntry;
  onChange: (value: ConsentEntry) => void;
}

/** Who has agreed to what, and how. */
export function ConsentFields({ value, onChange }: ConsentFieldsProps): ReactNode {
  const t = useMessages().people.consent;
  return (
    <div className={layout['tight']}>
      <Checkbox
        label={t.agreed}
        hint={t.agreedHint}
        checked={value.agreed}
        onChange={(agreed) => onChange({ ...value, agreed })}
      />
      {value.agreed && (
        <div className={layout['fields']}>
          <TextField
            label={t.method}
            value={value.method}
            onChange={(method) => onChange({ ...value, method })}
            placeholder={t.methodExample}
            maxLength={200}
            required
          />
          <TextField
            label={t.textVersion}
            value={value.textVersion}
            onChange={(textVersion) => onChange({ ...value, textVersion })}
            placeholder={t.textVersionExample}
            maxLength={100}
            required
          />
          <TextField
            label={t.givenBy}
            value={value.givenBy}
            onChange={(givenBy) => onChange({ ...value, givenBy })}
            placeholder={t.givenByExample}
            maxLength={200}
          />
        </div>
      )}
    </div>
  );
}
