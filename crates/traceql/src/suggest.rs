//! "Did you mean …": the known word nearest to a misspelt one.

/// The candidate nearest to `word`, if it is near enough to be what was meant.
///
/// Near enough is one edit per three letters, at least one; words over 64 bytes are no misspellings.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > 64 {
        return None;
    }
    let n_letters = word.to_lowercase().chars().count();
    let allowed = (word.chars().count() / 3).max(1);
    // Words whose lengths differ by more edits are not worth a comparison.
    let is_near = |candidate: &&str| {
        let longest = 4 * (n_letters + allowed);
        candidate.len() <= longest
            && candidate.to_lowercase().chars().count().abs_diff(n_letters) <= allowed
    };
    candidates
        .into_iter()
        .filter(|candidate| !candidate.is_empty())
        .filter(is_near)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(edits, _)| *edits <= allowed)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Edits between two words, ignoring case: insert, delete, replace, and exchange of neighbours (optimal string
/// alignment).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.to_lowercase().chars().collect();
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = replace.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_wins_and_far_words_are_not_offered() {
        let words = ["duration", "name", "status"];
        assert_eq!(nearest("duratoin", words), Some("duration"));
        assert_eq!(nearest("Status", words), Some("status"));
        assert_eq!(nearest("nam", words), Some("name"));
        assert_eq!(nearest("colour", words), None);
        assert_eq!(nearest(&"x".repeat(1000), words), None);
    }
}
