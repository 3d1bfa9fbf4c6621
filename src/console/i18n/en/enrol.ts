export const enrol = {
  title: 'Enrol',
};
