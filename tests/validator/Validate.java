import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r5.utils.validation.constants.BestPracticeWarningLevel;

/**
 * Asks the HAPI FHIR R4 validator about every resource in JSON files, or in what stands on the standard input.
 *
 * <p>Usage: Validate [--exact] [--bad FILE] [FILE…]. Any JSON will do, also one value a line: the outermost objects with a
 * `resourceType` are the resources, named by the `key` beside them, in the `input` above them. Prints a line an error,
 * `input TAB resource TAB location TAB message`, and the counts on the standard error. Exits 1 when there was an error, 2 when
 * there was nothing to validate. Offline: no terminology server, so that codes of systems it does not hold pass.
 *
 * <p>Of resources that differ only in numbers and in the words of free text one is asked about; `--exact` asks about
 * every one that differs at all. Every resource in the `--bad` file must have an error, or the validator is blind, which exits 3.
 */
public final class Validate {
    /** Strings under these names decide validity themselves, so that they are part of a resource's shape. */
    private static final Set<String> TELLING = Set.of(
            "code", "system", "url", "status", "use", "resourceType", "contentType", "type", "gender", "intent", "comparator",
            "criticality", "category", "severity", "priority", "mode", "relation");

    private static final Pattern HELD = Pattern.compile("^http://(terminology\\.hl7\\.org|hl7\\.org|unitsofmeasure\\.org)(/|$)");
    private static final Pattern DATE = Pattern.compile("^[0-9]{4}(-|$)");
    private static final Pattern DIGITS = Pattern.compile("[0-9]");
    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(JsonGenerator.Feature.WRITE_BIGDECIMAL_AS_PLAIN)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .build();

    /** One resource to ask about: where it stands and its text. */
    private record Resource(String input, String name, String text) {}

    private final boolean exact;
    private final Map<String, Resource> distinct = new LinkedHashMap<>();
    private int resources;

    private Validate(boolean exact) {
        this.exact = exact;
    }

    public static void main(String[] arguments) throws IOException {
        List<String> files = new ArrayList<>(Arrays.asList(arguments));
        FhirValidator validator = validator(FhirContext.forR4());
        Validate all = new Validate(files.remove("--exact"));
        int bad = files.indexOf("--bad");
        if (bad >= 0) {
            Validate known = new Validate(true);
            known.read(files.get(bad + 1));
            known.mustFail(validator);
            files.subList(bad, bad + 2).clear();
        }
        for (String file : files) {
            all.read(file);
        }
        if (files.isEmpty()) {
            all.read("stdin", System.in);
        }
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
        int code = all.report(validator, out);
        out.flush();
        System.exit(code);
    }

    private void read(String file) throws IOException {
        try (InputStream bytes = Files.newInputStream(Path.of(file))) {
            read(file, bytes);
        }
    }

    private void read(String input, InputStream bytes) throws IOException {
        try (MappingIterator<JsonNode> values = JSON.readerFor(JsonNode.class).readValues(bytes)) {
            while (values.hasNextValue()) {
                find(input, null, values.nextValue());
            }
        }
    }

    /** Takes the outermost resources at and below a node. */
    private void find(String input, String key, JsonNode node) throws IOException {
        if (node.has("resourceType")) {
            resources++;
            String type = node.path("resourceType").asText();
            String name = key != null ? key : type + "/" + node.path("id").asText();
            String shape = exact ? node.toString() : shape(new StringBuilder(), "", node).toString();
            distinct.putIfAbsent(shape, new Resource(input, name, JSON.writeValueAsString(node)));
            return;
        }
        String here = node.path("input").isTextual() ? input + ": " + node.path("input").asText() : input;
        String named = node.path("key").isTextual() ? node.path("key").asText() : null;
        for (JsonNode child : node) {
            find(here, named, child);
        }
    }

    private static StringBuilder shape(StringBuilder out, String name, JsonNode node) {
        if (node.isObject()) {
            out.append('{');
            // Codes of systems the validator does not hold are all alike to it.
            boolean held = HELD.matcher(node.path("system").asText("http://hl7.org/")).find();
            node.properties().forEach(field -> {
                String child = field.getKey().equals("code") && !held ? "text" : field.getKey();
                shape(out.append(field.getKey()).append(':'), child, field.getValue());
            });
            return out.append('}');
        }
        if (node.isArray()) {
            Set<String> items = new LinkedHashSet<>();
            node.forEach(item -> items.add(shape(new StringBuilder(), name, item).toString()));
            return out.append(items);
        }
        String text = node.asText();
        if (!node.isTextual() || DATE.matcher(text).find()) {
            return out.append(DIGITS.matcher(text).replaceAll("0")).append(',');
        }
        return out.append(TELLING.contains(name) ? text : text.isBlank() || !text.strip().equals(text) ? "blank" : "text").append(',');
    }

    /** Exits when a resource that is known to be wrong passes. */
    private void mustFail(FhirValidator validator) {
        List<String> passed = distinct.values().parallelStream()
                .filter(resource -> errors(validator, resource).isEmpty())
                .map(Resource::name)
                .toList();
        if (distinct.isEmpty() || !passed.isEmpty()) {
            System.err.println("the validator sees nothing wrong with what is known to be wrong: " + passed);
            System.exit(3);
        }
    }

    /** Asks about each distinct resource, on every core; prints the errors in the order of the input. */
    private int report(FhirValidator validator, PrintStream out) {
        if (distinct.isEmpty()) {
            System.err.println("no resource was found in the input");
            return 2;
        }
        List<Resource> asked = new ArrayList<>(distinct.values());
        List<List<SingleValidationMessage>> answers =
                asked.parallelStream().map(resource -> errors(validator, resource)).toList();
        Map<String, Integer> bad = new TreeMap<>();
        int errors = 0;
        for (int i = 0; i < asked.size(); i++) {
            Resource resource = asked.get(i);
            for (SingleValidationMessage error : answers.get(i)) {
                errors++;
                out.println(String.join("\t", resource.input(), resource.name(), line(error.getLocationString()), line(error.getMessage())));
            }
            if (!answers.get(i).isEmpty()) {
                bad.merge(resource.name().split("/")[0], 1, Integer::sum);
            }
        }
        System.err.printf("%d resources, %d of them distinct%s, %d errors%s%n",
                resources, asked.size(), exact ? "" : " in shape", errors, bad.isEmpty() ? "" : " in " + bad);
        return errors == 0 ? 0 : 1;
    }

    private static List<SingleValidationMessage> errors(FhirValidator validator, Resource resource) {
        return validator.validateWithResult(resource.text()).getMessages().stream()
                .filter(message -> message.getSeverity().ordinal() >= ResultSeverityEnum.ERROR.ordinal())
                .toList();
    }

    private static String line(String text) {
        return text == null ? "" : text.replaceAll("\\s+", " ");
    }

    private static FhirValidator validator(FhirContext context) {
        UnknownCodeSystemWarningValidationSupport unknown = new UnknownCodeSystemWarningValidationSupport(context);
        unknown.setNonExistentCodeSystemSeverity(IValidationSupport.IssueSeverity.WARNING);
        ValidationSupportChain chain = new ValidationSupportChain(
                new DefaultProfileValidationSupport(context),
                new CommonCodeSystemsTerminologyService(context),
                new InMemoryTerminologyServerValidationSupport(context),
                new SnapshotGeneratingValidationSupport(context),
                unknown);
        FhirInstanceValidator instance = new FhirInstanceValidator(chain);
        // Advice (a narrative on everything, a performer on every observation) is no requirement of the standard.
        instance.setBestPracticeWarningLevel(BestPracticeWarningLevel.Ignore);
        // Our own code systems and extensions have no definition the validator could read.
        instance.setAnyExtensionsAllowed(true);
        return context.newValidator().registerValidatorModule(instance);
    }
}
