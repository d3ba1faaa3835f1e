/**
 * Reads what is left of a stream that nobody wants any more, whatever it ends with. Connect clears the timer of a time-out only when
 * somebody reads the end of the stream, and the timer would keep the program from ending for as long as the time-out.
 */
export async function drain(iterator: AsyncIterator<unknown>): Promise<void> {
  try {
    while (!(await iterator.next()).done);
  } catch {
    // It was cancelled, as was asked for.
  }
}
