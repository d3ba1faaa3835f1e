package io.spinegate.examples.gateway;

/** A stream is not what it says, or not all of it. */
public final class NotWholeException extends Exception {
  private static final long serialVersionUID = 1;

  NotWholeException(String message) {
    super(message);
  }
}
