/**
 * What a Java program needs around the stubs of spinegate: a connection, tokens, trace context, errors with their reasons, and
 * the check that a stream is whole. Copy it and make it your own.
 */
package io.spinegate.examples.gateway;
