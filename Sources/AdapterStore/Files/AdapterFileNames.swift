import InferenceRuntime

/// The files of a PEFT directory; everything else in one is left where it is.
enum AdapterFileNames {
    static let config = "adapter_config.json"
    static let weights = "adapter_model.safetensors"
    /// What makes an adapter a reward model.
    static let scoreHead = ScoreHeadFile.name
    /// facet's own facts beside PEFT's, so that PEFT never warns of keys it does not know.
    static let lineage = "facet_lineage.json"
    /// Weights as a pickle, which can run code when read.
    static let pickledWeights = "adapter_model.bin"

    static let known = [config, weights, scoreHead, lineage]
    /// Those an adapter can do without.
    static let optional = [scoreHead, lineage]

    /// The files that are the adapter, of those that lie in a folder.
    static func content(of folder: String) -> [String] {
        let head = "\(folder)/\(scoreHead)"
        return [config, weights] + (FileStamp(path: head) == nil ? [] : [scoreHead])
    }

    /// The largest configuration or score head that is read, in bytes.
    static let maximumConfigBytes = 1 << 20

    static func maximumBytes(of name: String, weightsLimit: Int) -> Int {
        name == weights ? weightsLimit : maximumConfigBytes
    }
}
