/** Written by bench/js/names.mjs --calibration, from 18 conversations; docs/conversations.md, Names. */
export const VOICES = {
  'campplus-zh-en@e2027e6a96fe': {
    calibration: {
      offset: -30.912397193524782,
      scale: 62.85413934321109,
      quality: {},
      norm: 'none',
    },
    impostorTail: {
      start: -15.146384154116134,
      share: 0.049944913698127064,
      scale: 5.247486308899607,
      shape: -0.032549293215221375,
      body: [
        [0.5, -30.12543861445798],
        [0.4, -28.127691921641365],
        [0.3, -25.92219544108974],
        [0.2, -23.066148138943085],
        [0.15, -21.135276906536326],
        [0.1, -18.893572959828496],
        [0.07, -16.954151220080007],
      ],
      leastRate: 0.001836210062431142,
    },
    nameMargin: 9.428120901481662,
    nuisance: {
      speakers: 6,
      dim: 192,
      encoding: 'float16-base64',
      data: 'xiLhprYnBqqCIM4ZXyeLKYumYByZnJUkqqz4lMUhDZh1nh4o5pHNGgEph6U+qHUg/6fcKGypSSiRpV+hn6YnoT8pdKb4IhoiNJiipvEoxympJwgbWhyaGNioiaMLJkMip517Iy0nSqmgn6+e96MLKoImNqLyJHEilKTzKBop2CqnpsAJUiA3oZOlv6hZoiSk4qopKKmmTSWkIGApZSHgHnqpoinFJt4dJigsK6gkjB+kp5Qp3CQzo2QlqRtuqD8oySk9pW0lEqIGKTMkriAJqrwmMaQ+IECfPZd5p7wkB6RsGPWh8p2oJmghySaRKASkNRZeJE4qjqXdHVQknKOzn7Yi0CDupOGjMhvToJ+o3SRgot2r4qIrqNIoAyLIqZeVqaEWpnkrGKTSo2ikniHRp8EkMqU0np2b36D7oI8lFaCUpLEZziCNnhSdKSKinUgoJKJzIxMqtpHdKH0bVqkbqf4qYqVFokSoAqgTKaQfSx4lJJapzKflqdch0qAqIUGTfib0I8WlL6zlnDKo2CjkKLOkpawboDYsFTAwpQ8n4jAxL7emBSYRLIqio6RUpcki1SkNtMmbba5VqsYuKK5BsZmjQSgwLOevna7crMQt7SS7q5UsC6leKkEuR6XeJfcjly9JMYwouiIXrROrdCY0rGKqh7GysCgkvqhdqHMlna3WJ4el4pQipRUwwCXYIissDi5FrRACC65sK/6uyq7fqHEmFKwvq9qrd65dK4YvvafMrmIp4CULKNQozzCYJMAp8qsALTeqIqPlIJ6dIS5xnbcrfymHqNEt6amTrOgnTayZLPKkiS/9IzylIS9GrG8saqxALYOvm6kCmSaq0SnCrZcm0Cm/qDihmyzUohmq6KbCJBSkWC2FrOAo56y0KQow+ypSJxWsfyREpkgrOKdaJGuo+DDmrCIpKymcMJkgbyxhMDKpXy1hKg4k+KtGKieubCaVpfiuMCHQM/cgKqqALsSoTKyMpEir1S7FoP2bO6ZvKQ+Y4ysaK1kpX7BAK5ctsyBbr6MzH6U6LLstw6lsqLopQ6/XK1Urg6OVqDwur6SMqd+uGS6IqHStHq8WroKqwaSnr+esTK1YsA2vjq1Er0+soCpSLYqtjjDrMHYo3alfHb6VziZMnFcxOiSxJ9EkAit+K8yqDid9J8Ktqig0nGmrxayfJfYlF6m4q1Yg8KcQKWcqTao2MNCsGSwvo7Ur3awcreyvrK0TJ/8xTSiFrNesaysLKlklH6fLrCGxlixeniksXiI4LKQqjatzsIQrJqBwoDAnIqwMKeymk68Vs8+gHKzpp/ai3JgwrQMjL6lArGEtK6yiIoknA5odq18sH6RJqcCqxCT/LCabgBydL3mtLqu9qmAkISyRnKsdlq66qfAocaQ8qXsguK4srVknDCxULtauJKz+pNspAiqVp1etI6VwqvWtPSbOIBes0Z0ssHAnBy2RrGqVEi3VLT2sMKyOrYAmgh2Cqsmt7SCqqmUxtKxYrOao2q0PKZopwylmptCrPa2trbevvCk7qncjyK9mqhwpgijHrUyo1rAwMXQuHa7frTMyVSqxnXCmTh8JpJCpjC6NnVwycCwKlpSpLKtWpmyuzKuqLDApzyz/LSCtUqnhmpkqPq8qLDicJa82rCqpgiICKlgpWqdFrQ8w4575LAQoMiw2JRwuKiiwLVUvDDC4oQ6r4KhorbSpian9HUaq5rCEq08vtalALtonES/YJ32y8KKYsJwwT679KWuoMKidrAUq86MMI08w9ySsrEiqNaxvKaCuE5yHJVIqaKhhLOYrXq0tq6GpJygvLw6rialMLKEt9CdNmc6krq7mqIotAK9epu4jIaelrV6uZio4rxUqF6kNKVKsEKd/l1epWydkpTAtIKBoKbIuNyoMij+uXzBYqt+sxSmoq2gwfiT5q5adM6e2rFsrAZ6IrO+nfZ/DrNKovqw6q2ao3a/yLTCvCCyUoM2pqCqjpDSlJqwHKScsiaszpPws7aM+pTIuAiqFKyire64kIdestK94ItGplyp1KYmjTC4+pAEryLBip9UxER4jIcaify5ysOOkxiQCrJWu36kPqZeuwSwjqVqi5am0LU4pO6aJrVIwRS9MLnwmGi1PnBQoQqqBrv6e/qmeqnKubatHrt0uYq9Yoa+oc6jSlkKkRaiGrngoMSmfLAEeqS3GK0ity6WGoQEreC/hLg6qdbAkLBYrPyqRqdArcq5ULK+kdyhfrtotTq4ArAikH6d6rnwp6DD9LACssSo2rCUoA6terO4w5yddqi+utCivJoYuYi99qgYgXi3lqO8ot6aQr3Mw9SucqhYsxKUQKGokNKyPKymg8ChlqverQKqYLBYt4KKnLF6tihyGJQatx6x2l7ewQilHqSAwALBlJ8skqjIxsa0cYyy8mryioCZDHBOlBSFDLr+h46VXr96lxiuRrc6nzKh0rqirULD5qN+dzhgvML8oGqzTIXukNanXJoAk8ahbpwIs9BjJKl8t1a1XLAsoYCVVKMEs0C1YsRMoLyrWoxmsai63pb8tdq15qT0l3KgArkMYC6QMp5ei7ijPoTOlKy21KncgLyM6J0MplqDYJBEqNK1gGXGlU6VdLhwmCq8WLU2lshOKrLat7CuioBquaKmDsJ4uBK2Irm6wfC0PJv4gPDE/rB6kmS/YK2euTqxULC0tniR3m/KssSYKMocqt61OsOomJSVlpXYoo6O1ozIsUS/bqqQZtKuHo140RqhYFtEwVBkOn74ueSzqpwksP65bL02lrikFLwepNC+UqWyouCa5quYpPK69qm0sYSkjLXApzZiBrKKpuqzOKv4wgC2ApLytZaNgqcCweyksKgSo6K+pKJIuHq4ynUgqo6kqr/eqDqQPqRokfB7nK9GfAStzq0ImAayYnhWs7qiQpjIprq3tK7ItsS8QJlggWDBlqJyvqhyEqmqbhqkuMLusoqTcLWaqtKsZLA0YTqXkJrsmACY0r/KqpSiMJU6xYayTJmMtHSfbrQuwuBazLwQt3i6oIaus56xQHYqkb68bMLipEK1nrc8nFCtaJuColaPwp5Mq',
    },
  },
} as const;
