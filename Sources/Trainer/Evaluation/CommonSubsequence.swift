/// What two sequences have in common.
enum CommonSubsequence {
    /// The length of the longest common subsequence; takes the product of both lengths.
    static func length<Element: Equatable>(_ left: [Element], _ right: [Element]) -> Int {
        var row = [Int](repeating: 0, count: right.count + 1)
        for one in left {
            var diagonal = 0
            for (index, other) in right.enumerated() {
                let above = row[index + 1]
                row[index + 1] = one == other ? diagonal + 1 : max(above, row[index])
                diagonal = above
            }
        }
        return row[right.count]
    }
}
