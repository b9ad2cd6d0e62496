//! Cache that holds so many bytes at most: what was not asked for longest goes first.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Value that takes bytes of memory.
pub(crate) trait Weighed {
    /// Bytes of memory.
    fn bytes(&self) -> usize;
}

/// Cache, shared by threads.
#[derive(Debug)]
pub(crate) struct Cache<K, V> {
    most: usize,
    inner: Mutex<Inner<K, V>>,
}

#[derive(Debug)]
struct Inner<K, V> {
    kept: HashMap<K, (u64, Arc<V>)>,
    bytes: usize,
    clock: u64,
}

impl<K: Hash + Eq + Clone, V: Weighed> Cache<K, V> {
    /// Empty cache of `most` bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, inner: Mutex::new(Inner { kept: HashMap::new(), bytes: 0, clock: 0 }) }
    }

    /// Value that is kept for `key`.
    pub(crate) fn get(&self, key: &K) -> Option<Arc<V>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.clock += 1;
        let now = inner.clock;
        let (used, value) = inner.kept.get_mut(key)?;
        *used = now;
        Some(Arc::clone(value))
    }

    /// Keeps `value` for `key`, and gives it. A value that is larger than the cache is not kept.
    pub(crate) fn put(&self, key: K, value: V) -> Arc<V> {
        let (bytes, value) = (value.bytes(), Arc::new(value));
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.drop_key(&key);
        if bytes > self.most {
            return value;
        }
        inner.clock += 1;
        let now = inner.clock;
        inner.bytes += bytes;
        inner.kept.insert(key, (now, Arc::clone(&value)));
        while inner.bytes > self.most {
            let oldest = inner.kept.iter().min_by_key(|(_, (used, _))| *used).map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { break };
            inner.drop_key(&oldest);
        }
        value
    }
}

impl<K: Hash + Eq, V: Weighed> Inner<K, V> {
    fn drop_key(&mut self, key: &K) {
        if let Some((_, value)) = self.kept.remove(key) {
            self.bytes -= value.bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weighed for Vec<u8> {
        fn bytes(&self) -> usize {
            self.len()
        }
    }

    #[test]
    fn what_was_not_asked_for_longest_goes_first() {
        let cache = Cache::new(10);
        cache.put("a", vec![0; 4]);
        cache.put("b", vec![0; 4]);
        cache.get(&"a");
        cache.put("c", vec![0; 4]);
        assert!(cache.get(&"a").is_some() && cache.get(&"b").is_none() && cache.get(&"c").is_some());
        assert_eq!(cache.put("d", vec![0; 11]).len(), 11);
        assert!(cache.get(&"d").is_none() && cache.get(&"c").is_some());
        cache.put("c", vec![0; 1]);
        assert_eq!(cache.inner.lock().unwrap().bytes, 5);
    }
}
