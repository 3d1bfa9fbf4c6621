import { Save } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { useFormat, useMessages } from '../../i18n/index.js';
import type { CalibrationFile } from '../../../scoring/model-calibration.js';
import { Button } from '../../ui/button.js';
import { Notice } from '../../ui/notice.js';
import type { EnrolledTrials, PeopleMeasures } from './people-measures.js';
import { CalibrationDialog } from './saved-calibrations.js';
import layout from '../../styles/layout.module.css';

interface PeopleTrialsProps {
  of: EnrolledTrials;
  /** Null until it is learned. */
  told: PeopleMeasures | null;
}

/** Who was compared, what can be learned of it, and to save that. */
export function PeopleTrials({ of, told }: PeopleTrialsProps): ReactNode {
  const t = useMessages().accuracy.people;
  const format = useFormat();
  const { model, people, recordings, drawn, unreadable } = of;
  const counts = [format.plural(recordings, ...t.recordings), format.plural(people, ...t.persons)] as const;
  return (
    <>
      <p>
        {t.facts(...counts)} <bdi>{model}</bdi>.
      </p>
      {drawn && <p className={layout['fine']}>{t.drawn}</p>}
      {unreadable > 0 && <Notice tone="warn">{t.unreadable(format.plural(unreadable, ...t.persons))}</Notice>}
      {told?.why != null && (
        <Notice tone="warn">
          {t.nothingLearned} <span lang="en">{told.why}</span>
        </Notice>
      )}
      {told?.calibration && <SaveLearned calibration={told.calibration} />}
    </>
  );
}

function SaveLearned({ calibration }: { calibration: CalibrationFile }): ReactNode {
  const t = useMessages().accuracy.people;
  const [saving, setSaving] = useState(false);
  return (
    <div className={layout['row']}>
      <Button kind="primary" onClick={() => setSaving(true)}>
        <Save aria-hidden /> {t.save}
      </Button>
      <span className={layout['fine']}>{t.learned}</span>
      {saving && (
        <CalibrationDialog
          title={t.save}
          description={t.saveHint}
          from="people"
          content={() => Promise.resolve({ ...calibration })}
          onClose={() => setSaving(false)}
        />
      )}
    </div>
  );
}
