/** SQL files, imported as text and so embedded in the executable. */
declare module '*.sql' {
  const text: string;
  export default text;
}
