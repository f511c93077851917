/// The files of a PEFT directory; everything else in one is left where it is.
enum AdapterFileNames {
    static let config = "adapter_config.json"
    static let weights = "adapter_model.safetensors"
    /// facet's own facts beside PEFT's, so that PEFT never warns of keys it does not know.
    static let lineage = "facet_lineage.json"
    /// Weights as a pickle, which can run code when read.
    static let pickledWeights = "adapter_model.bin"

    static let known = [config, weights, lineage]

    /// The largest configuration that is read, in bytes.
    static let maximumConfigBytes = 1 << 20

    static func maximumBytes(of name: String, weightsLimit: Int) -> Int {
        name == weights ? weightsLimit : maximumConfigBytes
    }
}
