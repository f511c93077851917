import Foundation
import InferenceRuntime

extension EvaluationTask {
    /// Reads a task's file in lm-evaluation-harness's form, and its documents.
    /// - Throws: `TaskError` for what cannot be honoured, by its key.
    public init(file: String) throws(TaskError) {
        let fields = try Self.fields(of: file, depth: 0)
        for key in fields.members.map(\.key) where !Self.known.contains(key) {
            throw TaskError(Self.refusal(key))
        }
        let folder = (file as NSString).deletingLastPathComponent
        let stem = ((file as NSString).lastPathComponent as NSString).deletingPathExtension
        do throws(TaskError) {
            try self.init(fields, name: stem, folder: folder.isEmpty ? "." : folder)
        } catch {
            throw TaskError("\(file): \(error)")
        }
    }

    private init(_ fields: JSONObject, name stem: String, folder: String) throws(TaskError) {
        name = fields["task"]?.string ?? stem
        let typeName = fields["output_type"]?.string ?? OutputType.generate.rawValue
        guard let type = OutputType(rawValue: typeName) else {
            throw TaskError("output_type: '\(typeName)' is not known.")
        }
        outputType = type
        form = try TaskForm(fields)
        var exampleFields = fields
        let examplesOwn = fields["fewshot_config"]?.object ?? JSONObject()
        for (key, value) in examplesOwn.members where !value.isNull { exampleFields[key] = value }
        exampleForm = try TaskForm(exampleFields)
        if examplesOwn["doc_to_choice"] == nil, fields["doc_to_choice"] == nil {
            exampleForm.choices = nil
        }
        description = try TaskField("description", fields["description"])
        fewshot = fields["num_fewshot"]?.int ?? 0
        guard (0...1000).contains(fewshot) else { throw TaskError("num_fewshot: at most 1000.") }
        let sets = try Self.sets(fields, examplesOwn, folder)
        (documents, examples, examplesHoldDocuments) = sets
        switch examplesOwn["sampler"]?.string ?? "default" {
        case "default": sampler = .random
        case "first_n": sampler = .first
        case let name: throw TaskError("fewshot_config: the sampler '\(name)' is not known.")
        }
        metrics = []
        for entry in fields["metric_list"]?.array ?? [] {
            metrics.append(try TaskMetric(entry, type))
        }
        if metrics.isEmpty { metrics = TaskMetric.Kind.usual(type).map(TaskMetric.init) }
        filters = []
        for entry in fields["filter_list"]?.array ?? [] { filters.append(try TaskFilters(entry)) }
        if filters.isEmpty { filters = [.none] }
        generation = try TaskGeneration(
            fields["generation_kwargs"],
            exampleDelimiter: form.exampleDelimiter
        )
    }

    /// The documents and what examples are drawn from.
    private static func sets(
        _ fields: JSONObject,
        _ examplesOwn: JSONObject,
        _ folder: String
    ) throws(TaskError) -> ([JSONObject], [JSONObject], holdsDocuments: Bool) {
        let source = try TaskDocuments(fields, folder: folder)
        let test = fields["test_split"]?.string
        let validation = fields["validation_split"]?.string
        guard let measured = test ?? validation else {
            throw TaskError("A task needs a 'test_split' or a 'validation_split'.")
        }
        let documents = try source.split(measured)
        let split = examplesOwn["split"]?.string ?? fields["fewshot_split"]?.string
        if split == nil, let samples = examplesOwn["samples"]?.array {
            return (documents, samples.compactMap(\.object), false)
        }
        // Without a split for them, examples come from the first there is.
        let from = split ?? fields["training_split"]?.string ?? validation ?? measured
        var examples = from == measured ? documents : (try? source.split(from)) ?? []
        if examples.isEmpty, (fields["num_fewshot"]?.int ?? 0) > 0 || split != nil {
            examples = try source.split(from)
        }
        if let places = examplesOwn["fewshot_indices"]?.array {
            let places = places.compactMap(\.int).filter(examples.indices.contains)
            examples = places.map { examples[$0] }
        }
        return (documents, examples, split == test)
    }

    /// A file's keys, those of the file it includes before them.
    private static func fields(of file: String, depth: Int) throws(TaskError) -> JSONObject {
        guard depth < 8 else { throw TaskError("\(file): files include each other.") }
        guard let bytes = FileManager.default.contents(atPath: file) else {
            throw TaskError("\(file): the file cannot be read.")
        }
        var fields: JSONObject
        do throws(TrainConfigurationError) {
            fields = try YAMLFile.object(String(decoding: bytes, as: UTF8.self))
        } catch {
            throw TaskError("\(file): \(error)")
        }
        guard let included = fields["include"] else { return fields }
        let folder = (file as NSString).deletingLastPathComponent
        for name in included.array ?? [included] {
            let name = TaskForm.string(name)
            let path = name.hasPrefix("/") || folder.isEmpty ? name : "\(folder)/\(name)"
            var whole = try Self.fields(of: path, depth: depth + 1)
            for (key, value) in fields.members where key != "include" { whole[key] = value }
            fields = whole
        }
        return fields
    }

    private static let known: Set = [
        "task", "task_alias", "tag", "dataset_path", "dataset_name", "dataset_kwargs",
        "training_split", "validation_split", "test_split", "fewshot_split", "doc_to_text",
        "doc_to_target", "doc_to_choice", "description", "target_delimiter", "fewshot_delimiter",
        "fewshot_config", "num_fewshot", "metric_list", "output_type", "generation_kwargs",
        "filter_list", "gen_prefix", "metadata", "should_decontaminate",
        "doc_to_decontamination_query", "include",
    ]

    private static func refusal(_ key: String) -> String {
        switch key {
        case "process_docs", "process_results", "custom_dataset":
            "'\(key)' is a function in Python, which facet does not run."
        case "group", "aggregate_metric_list":
            "'\(key)' names tasks of a collection; give --task their files."
        case "repeats": "'repeats' is not supported: each question is asked once."
        case "use_prompt": "'use_prompt' is elsewhere; write 'doc_to_text'."
        default: "'\(key)' is not known."
        }
    }
}

extension TaskForm {
    /// Reads `doc_to_text` and the like.
    init(_ fields: JSONObject) throws(TaskError) {
        guard let text = try TaskField("doc_to_text", fields["doc_to_text"] ?? ""),
            let target = try TaskField("doc_to_target", fields["doc_to_target"])
        else {
            throw TaskError("'doc_to_target' is missing.")
        }
        self.text = text
        self.target = target
        choices = try TaskField("doc_to_choice", fields["doc_to_choice"])
        answerPrefix = try TaskField("gen_prefix", fields["gen_prefix"])
        targetDelimiter = fields["target_delimiter"]?.string ?? " "
        exampleDelimiter = fields["fewshot_delimiter"]?.string ?? "\n\n"
    }
}
