package io.spinegate.examples.gateway;

/** Checks that a stream is in order and has its end. Every stream of the gateway has this one shape. */
public final class WholeStream {
  private int next;
  private boolean closed;

  /** Checks the next message. Pieces of one large item, of which all but the last continue, share a number. */
  public void take(int sequence, boolean continues, boolean closing) throws NotWholeException {
    if (closed || sequence != next) {
      throw new NotWholeException("message " + sequence + " came where " + next + " was due");
    }
    if (!continues) {
      next++;
    }
    closed = closing;
  }

  /** Checks a stream that ended with OK. */
  public void end() throws NotWholeException {
    if (!closed) {
      throw new NotWholeException("the stream has no closing message");
    }
  }
}
