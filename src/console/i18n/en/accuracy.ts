export const accuracy = {
  title: 'Accuracy',
};
