import { useMutation, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { useAccess, useApi } from '../../api/context.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Facts } from '../../ui/facts.js';
import { Failure } from '../../ui/failure.js';
import { Select } from '../../ui/field.js';
import { Loading } from '../../ui/loading.js';
import { useToast } from '../../ui/toast.js';

const SETTINGS = ['default', 'on', 'off'] as const;

/** How sound a profile is, and whether it learns. */
export function ProfileCard({ id, onChange }: { id: string; onChange: () => Promise<void> }): ReactNode {
  const t = useMessages().people.profile;
  const format = useFormat();
  const api = useApi();
  const { may } = useAccess();
  const { tellError } = useToast();
  const profile = useQuery({
    queryKey: ['profile', id],
    queryFn: ({ signal }) => api.call('getProfile', { id, health: 'true' }, { signal }),
  });
  const learning = useQuery({
    queryKey: ['learning', id],
    queryFn: ({ signal }) => api.call('getLearning', { id }, { signal }),
  });
  const set = useMutation({
    mutationFn: (json: { setting?: 'on' | 'off' | null; frozen?: boolean }) => api.call('setLearning', { id, json }),
    onSuccess: onChange,
    onError: tellError,
  });
  const health = profile.data?.health;
  const share = (value: number | null | undefined): string => (value == null ? '–' : format.number(value, 3));
  return (
    <Card title={t.title}>
      {profile.isPending && <Loading />}
      {profile.isError && <Failure error={profile.error} onRetry={() => void profile.refetch()} />}
      {profile.data && (
        <Facts
          facts={[
            [t.model, profile.data.model],
            [t.cohesion, share(profile.data.cohesion)],
            [t.spread, share(health?.spread)],
            [t.drift, share(health?.drift)],
            [t.fromEnrolled, share(health?.fromEnrolled)],
            [t.parts, t.partsOf(format.number(health?.enrolled ?? 0), format.number(health?.learned ?? 0))],
            ...(health?.nearest
              ? ([
                  [
                    t.nearest,
                    <Link key="nearest" href={`/people/${encodeURIComponent(health.nearest.speakerId)}`} dir="auto">
                      {health.nearest.speakerId}
                    </Link>,
                  ],
                ] as const)
              : []),
          ]}
        />
      )}
      {profile.data && profile.data.otherModels.length > 0 && (
        <p className="muted">{t.otherModels(profile.data.otherModels.join(', '))}</p>
      )}
      {learning.data && (
        <div className={layout['tight']}>
          <Select
            label={t.learning}
            hint={
              learning.data.frozenAt
                ? t.frozenSince(format.dateTime(learning.data.frozenAt))
                : learning.data.learns
                  ? t.learns
                  : t.learnsNot
            }
            value={learning.data.setting ?? 'default'}
            disabled={!may('enrol') || set.isPending}
            options={SETTINGS.map((setting) => [setting, t.settings[setting]] as const)}
            onChange={(setting) => set.mutate({ setting: setting === 'default' ? null : setting })}
          />
          {may('enrol') && (
            <div>
              <Button busy={set.isPending} onClick={() => set.mutate({ frozen: learning.data.frozenAt === null })}>
                {learning.data.frozenAt === null ? t.freeze : t.unfreeze}
              </Button>
            </div>
          )}
        </div>
      )}
    </Card>
  );
}
