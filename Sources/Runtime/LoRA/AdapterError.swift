/// Why an adapter does not fit, by the name of what does not.
public enum AdapterError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The system did not give us a file, or it is damaged.
    case file(CheckpointError)
    /// `adapter_config.json` has a field that makes no sense.
    case invalidField(String, reason: String)
    /// `adapter_config.json` asks for something that is not supported.
    case unsupportedField(String, value: String, supported: String)
    /// A tensor belongs to no layer of the base.
    case unknownTensor(String)
    /// The configuration names modules the base does not have.
    case noModules(String)
    /// A targeted layer lacks a tensor.
    case missingTensor(String)
    /// A whole weight of the base travels with the adapter, and is not the base's.
    case ownWeight(String)
    /// A tensor has another shape than layer and rank say.
    case wrongShape(tensor: String, expected: [Int], found: [Int])
    /// A tensor holds NaN or infinity, or numbers of an unsupported type.
    case invalidNumbers(tensor: String, reason: String)
    /// Adapters can be served with it, but not trained.
    case cannotTrain(String)

    /// One sentence.
    public var description: String {
        switch self {
        case .file(let error): error.description
        case .invalidField(let field, let reason): "adapter_config.json: \(field) \(reason)"
        case .unsupportedField(let field, let value, let supported):
            "adapter_config.json: \(field) = \(value) is not supported; supported: \(supported)"
        case .unknownTensor(let name):
            "the adapter's tensor \(name) belongs to no layer of this base model"
        case .noModules(let targets): "no layer of this base model matches \(targets)"
        case .missingTensor(let name): "the adapter has no tensor \(name)"
        case .ownWeight(let name):
            "the adapter's tensor \(name) is a weight of its own in place of this base model's, "
                + "which all adapters share; merge the adapter into its base and serve that"
        case .wrongShape(let tensor, let expected, let found):
            "the adapter's tensor \(tensor) has shape \(found), this base model needs \(expected)"
        case .invalidNumbers(let tensor, let reason): "the adapter's tensor \(tensor) \(reason)"
        case .cannotTrain(let what): "\(what) cannot be trained"
        }
    }
}
