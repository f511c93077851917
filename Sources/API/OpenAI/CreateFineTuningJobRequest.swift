import InferenceRuntime
import Trainer

/// The body of `POST /v1/fine_tuning/jobs`.
struct CreateFineTuningJobRequest: Sendable {
    /// The base's id, or an adapter to start from.
    let model: String
    let trainingFile: String
    let validationFile: String?
    let hyperparameters: HyperparameterRequest
    let suffix: String?
    /// Drawn where the request names none.
    let seed: Int
    let metadata: [FineTuningRequest.MetadataEntry]
    let integrations: [WandbIntegration]
    let isLegacy: Bool
    /// Of reinforcement: what gives answers their rewards.
    let grader: JSONValue?

    static let seeds = 0...2_147_483_647

    init(_ fields: RequestFields) throws(APIError) {
        model = try fields.requiredString("model")
        trainingFile = try fields.requiredString("training_file")
        validationFile = try fields.string("validation_file")
        suffix = try Self.suffix(fields, maximum: 64)
        metadata = (try fields.checkMetadata()?.members ?? []).map {
            FineTuningRequest.MetadataEntry(key: $0.key, value: $0.value.string ?? "")
        }
        integrations = try Self.integrations(fields)
        hyperparameters = try Self.hyperparameters(fields)
        grader = try Self.grader(fields, hyperparameters.method)
        seed = try fields.integer("seed", in: Self.seeds) ?? Int.random(in: Self.seeds)
        isLegacy = false
    }

    /// The body of `POST /v1/fine-tunes`, with the defaults of that time.
    ///
    /// - Parameter base: What `model` is where the request names none.
    init(legacy fields: RequestFields, base: String) throws(APIError) {
        for name in [
            "classification_n_classes", "classification_positive_class", "classification_betas",
        ] where fields[name] != nil {
            throw .unsupported(name, "models answer with text here; remove the field")
        }
        if try fields.bool("compute_classification_metrics") == true {
            throw .unsupported(
                "compute_classification_metrics",
                "results carry loss and token accuracy"
            )
        }
        model = try fields.string("model") ?? base
        trainingFile = try fields.requiredString("training_file")
        validationFile = try fields.string("validation_file")
        suffix = try Self.suffix(fields, maximum: 40)
        metadata = []
        integrations = []
        var chosen: JSONObject = ["n_epochs": 4, "prompt_loss_weight": 0.01]
        let supervised = Hyperparameter.all.filter { $0.methods.contains(.supervised) }
        let names = Set(supervised.map(\.name))
        for (key, value) in fields.object.members where names.contains(key) && !value.isNull {
            chosen[key] = value
        }
        hyperparameters = try Self.request(chosen, of: .supervised) { _ in "" }
        seed = try fields.integer("seed", in: Self.seeds) ?? Int.random(in: Self.seeds)
        isLegacy = true
        grader = nil
    }

    /// The grader of reinforcement, checked as far as it can be without an answer.
    private static func grader(
        _ fields: RequestFields,
        _ method: TrainingMethod
    ) throws(APIError) -> JSONValue? {
        guard method == .reinforcement else { return nil }
        let own = try fields.object("method")?.object(method.rawValue)
        guard let grader = own?["grader"], !grader.isNull else {
            throw .missing("method.reinforcement.grader")
        }
        do throws(GraderError) {
            _ = try Grader(grader, path: "method.reinforcement.grader")
        } catch {
            guard case .invalid(let param, let message) = error else { throw .internalError }
            throw .invalid(param, message, code: "invalid_grader")
        }
        return grader
    }

    private static func suffix(
        _ fields: RequestFields,
        maximum: Int
    ) throws(APIError) -> String? {
        guard let suffix = try fields.string("suffix"), !suffix.utf8.isEmpty else { return nil }
        let fits = suffix.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard fits, suffix.utf8.count <= maximum else {
            throw .invalid(
                "suffix",
                "Invalid 'suffix': 1 to \(maximum) letters, digits, '.', '_' and '-'."
            )
        }
        return suffix
    }

    /// The hyperparameters of the method, `method.supervised.hyperparameters` say, over the deprecated
    /// `hyperparameters`.
    private static func hyperparameters(
        _ fields: RequestFields
    ) throws(APIError) -> HyperparameterRequest {
        var chosen = JSONObject()
        var paths: [String: String] = [:]
        var sources: [RequestFields] = []
        if let deprecated = try fields.options("hyperparameters") { sources.append(deprecated) }
        let (method, own) = try method(fields)
        if let own { sources.append(own) }
        for source in sources {
            do throws(HyperparameterError) {
                try HyperparameterRequest.checkNames(source.object, of: method)
            } catch {
                throw .invalid(source.path + error.name, error.message, code: "unknown_parameter")
            }
            for (key, value) in source.object.members {
                chosen[key] = value
                paths[key] = source.path
            }
        }
        return try request(chosen, of: method) { paths[$0] ?? "" }
    }

    /// The method, and its hyperparameters where the request has any.
    private static func method(
        _ fields: RequestFields
    ) throws(APIError) -> (TrainingMethod, RequestFields?) {
        guard let method = try fields.object("method") else { return (.supervised, nil) }
        let type = try method.requiredString("type")
        let known = TrainingMethod.allCases.map(\.rawValue)
        guard let found = TrainingMethod(rawValue: type) else {
            throw .notAmong(method.name("type"), known, type)
        }
        return (found, try method.object(type)?.options("hyperparameters"))
    }

    private static func request(
        _ chosen: JSONObject,
        of method: TrainingMethod,
        path: (String) -> String
    ) throws(APIError) -> HyperparameterRequest {
        do throws(HyperparameterError) {
            return try HyperparameterRequest(json: chosen, of: method)
        } catch {
            throw .invalid(path(error.name) + error.name, error.message)
        }
    }
}
