package io.spinegate.examples.conformance;

import io.grpc.InsecureChannelCredentials;
import io.spinegate.examples.gateway.Failure;
import io.spinegate.examples.gateway.Gateway;
import io.spinegate.examples.gateway.NotWholeException;
import io.spinegate.examples.gateway.Sandbox;
import io.spinegate.examples.gateway.Tokens;
import io.spinegate.examples.gateway.Trace;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Makes the calls of conformance/steps.json and prints what came, as conformance/README.md describes. */
public final class Conformance {
  private final PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
  private final Map<String, Gateway> gateways = new HashMap<>();
  private final Map<String, String> saved = new HashMap<>();

  private Conformance() {}

  public static void main(String[] args) throws Exception {
    var conformance = new Conformance();
    for (var step : Step.read(Path.of(args[0]))) {
      conformance.make(step);
    }
    conformance.gateways.values().forEach(Gateway::close);
  }

  private void make(Step step) throws IOException, InterruptedException, NotWholeException {
    out.println(step.id());
    var trace = Trace.begin();
    var outcome = Call.ALL.get(step.call()).make(gateway(step), step, step.requests(saved), trace);
    show(step, outcome, trace);
    for (var wanted : step.save().entrySet()) {
      saved.put(wanted.getKey(), outcome.answer().find(wanted.getValue()).get(0));
    }
  }

  /** The connection of the step's persona, who may be signed in with CIS2. */
  private Gateway gateway(Step step) throws IOException, InterruptedException {
    var key = step.persona() + (step.cis2() ? " signed in" : "");
    if (!gateways.containsKey(key)) {
      var tokens = Sandbox.tokens(System.getenv("SPINEGATE_ADMIN"), step.persona());
      if (!step.cis2()) {
        tokens = new Tokens(tokens.bearer(), null, true);
      }
      gateways.put(key, Gateway.connect(System.getenv("SPINEGATE_ADDRESS"), InsecureChannelCredentials.create(), tokens));
    }
    return gateways.get(key);
  }

  /** Prints the step's lines. */
  private void show(Step step, Call.Outcome outcome, Trace trace) throws NotWholeException {
    var failure = outcome.error() == null ? null : Failure.of(outcome.error());
    if (failure != null && failure.code().equals("DEADLINE_EXCEEDED")) {
      line("code", failure.code()); // how far the call came by then differs from run to run
      return;
    }
    if (outcome.cancelled() != null) {
      line("cancelled", outcome.cancelled());
      return;
    }
    var answer = outcome.answer();
    if (answer != null && answer.isStream()) {
      line("events", String.join(",", answer.kinds()));
    }
    if (failure != null) {
      show(failure, trace);
      return;
    }
    line("code", "OK");
    var ids = "provenance.trace_ids.trace_id";
    if (answer.isStream()) {
      line("checked", answer.check());
      ids = "opening." + ids;
    }
    line("traced", String.valueOf(answer.find(ids).contains(trace.id())));
    for (var path : step.print()) {
      if (path.endsWith("#")) {
        line(path, String.valueOf(answer.find(path.substring(0, path.length() - 1)).size()));
      } else {
        line(path, String.join(",", answer.find(path).stream().sorted().toList()));
      }
    }
  }

  private void show(Failure failure, Trace trace) {
    line("code", failure.code());
    line("reason", failure.reason());
    line("hop", failure.hop());
    line("retry", failure.retry());
    line("traced", String.valueOf(failure.traceId().equals(trace.id())));
    failure.fields().stream().map(Failure.Violation::field).sorted().forEach(field -> line("field", field));
  }

  private void line(String name, String value) {
    out.println("  " + name + "=" + value);
  }
}
