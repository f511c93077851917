/// The `x-request-id` of a request.
enum RequestID {
    /// The client's id where it is short and plain, else a fresh one.
    static func choose(_ proposed: String?) -> String {
        if let proposed, isSane(proposed) { return proposed }
        let digits = Array("0123456789abcdef".utf8)
        var bytes = Array("req_".utf8)
        for word in [UInt64.random(in: 0 ... .max), UInt64.random(in: 0 ... .max)] {
            for shift in stride(from: 60, through: 0, by: -4) {
                bytes.append(digits[Int(word >> UInt64(shift) & 15)])
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isSane(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "-_.".utf8.contains(byte)
                }
            }
    }
}
