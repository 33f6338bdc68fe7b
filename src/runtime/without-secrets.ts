/**
 * Words for logs, health and terminals: of every address in a text neither its credentials nor its
 * query. Also where its scheme is missing, as in what somebody typed wrong.
 */
export const withoutSecrets = (text: string): string =>
  text
    .replaceAll(/(\w:\/\/)[^\s'"`]*@/g, '$1***@')
    .replaceAll(/([\s'"`(]|^)(?!\w+:\/\/)[^\s'"`/:@]*:[^\s'"`]*@/g, '$1***@')
    .replaceAll(/\?[^\s'"`]+/g, '?***');
