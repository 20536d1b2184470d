//! What resolvers ask for is gathered until no more of them ask, and read in one statement: rows by their
//! ids, pages of lists below parents, lengths of lists.
//!
//! Loaders are made for each request and hold its viewer, so that what they gather never crosses an
//! organization. They keep nothing: a mutation's answer shows what the mutation before it changed.
//!
//! A row by its id and a list need nothing here. For something else, implement `Loader<YourKey>` for
//! [`Fetch`] beside your type and ask `loaders.get(YourKey)`.

use std::{
    collections::HashMap,
    fmt,
    hash::{Hash, Hasher},
    marker::PhantomData,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_graphql::dataloader::{DataLoader, Loader};
use sea_orm::EntityTrait;
use uuid::Uuid;

use crate::{
    db::{
        leash,
        page::{Columns, Lean, Page, Slice},
        walled,
    },
    error::Error,
    ground::Ground,
    organizations::{
        reach::{self, List, Owned},
        viewer::Viewer,
    },
};

/// An error that several resolvers get, because they asked together.
pub type Shared = Arc<Error>;

/// Reads what was gathered, as far as the viewer reaches.
#[derive(Debug)]
pub struct Fetch {
    /// Who is asking.
    pub viewer: Viewer,
    /// What there is to read from.
    pub ground: Ground,
}

/// The loaders of one request.
pub struct Loaders {
    batches: DataLoader<Fetch>,
    asked: Arc<AtomicU64>,
}

/// How many rounds of the runtime must pass without anybody asking before a batch is read. A level of a
/// hundred rows asks in several rounds; a fixed time would cut it in two on a busy machine.
const QUIET_ROUNDS: u32 = 4;
/// How much is read in one statement. SQLite takes 32,766 parameters, PostgreSQL 65,535.
const MAX_BATCH: usize = 10_000;

impl fmt::Debug for Loaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Loaders").field(self.batches.loader()).finish()
    }
}

impl Loaders {
    /// For one request.
    pub fn new(viewer: Viewer, ground: Ground) -> Self {
        let asked = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&asked);
        let spawner = move |batch| {
            let asked = Arc::clone(&seen);
            tokio::spawn(walled::carried(leash::carried(async move {
                quiet(&asked).await;
                batch.await;
            })))
        };
        let batches = DataLoader::new(Fetch { viewer, ground }, spawner);
        Self { batches: batches.delay(Duration::ZERO).max_batch_size(MAX_BATCH), asked }
    }

    /// Who is asking.
    pub fn viewer(&self) -> &Viewer {
        &self.batches.loader().viewer
    }

    /// What there is to read from.
    pub fn ground(&self) -> &Ground {
        &self.batches.loader().ground
    }

    /// A row, where it is there and in reach.
    pub async fn row<E: Owned>(&self, id: Uuid) -> Result<Option<E::Model>, Shared> {
        self.get(RowId::<E>(id, PhantomData)).await
    }

    /// A row that another row names: it must be there.
    pub async fn named<E: Owned>(&self, id: Uuid) -> Result<E::Model, Shared> {
        let missing =
            || Arc::new(Error::Internal(anyhow::anyhow!("a row of {:?} is missing: {id}", E::default())));
        self.row::<E>(id).await?.ok_or_else(missing)
    }

    /// A page of a list below a parent.
    pub async fn slice<L: List>(
        &self,
        parent: Uuid,
        list: L,
        page: Page,
    ) -> Result<Slice<<L::Entity as EntityTrait>::Model>, Shared> {
        Ok(self.get(PageOf { parent, list, page }).await?.unwrap_or_default())
    }

    /// The same with these columns of its rows alone.
    pub async fn lean<L: List>(
        &self,
        parent: Uuid,
        list: L,
        page: Page,
        (columns, is_counted): (Columns, bool),
    ) -> Result<Arc<Lean>, Shared> {
        let of = PageOf { parent, list, page };
        Ok(self.get(LeanOf { of, columns, is_counted }).await?.unwrap_or_default())
    }

    /// The length of a list below a parent.
    pub async fn count<L: List>(&self, parent: Uuid, list: L) -> Result<u64, Shared> {
        Ok(self.get(CountOf { parent, list }).await?.unwrap_or_default())
    }

    /// What a key of your own stands for.
    pub async fn get<K>(&self, key: K) -> Result<Option<<Fetch as Loader<K>>::Value>, Shared>
    where
        K: Clone + Eq + Hash + Send + Sync + 'static,
        Fetch: Loader<K, Error = Shared>,
    {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.batches.load_one(key).await
    }
}

/// Waits until nobody has asked for some rounds of the runtime.
async fn quiet(asked: &AtomicU64) {
    let (mut known, mut rounds) = (asked.load(Ordering::Relaxed), 0);
    while rounds < QUIET_ROUNDS {
        tokio::task::yield_now().await;
        let now = asked.load(Ordering::Relaxed);
        rounds = if now == known { rounds + 1 } else { 0 };
        known = now;
    }
}

struct RowId<E>(Uuid, PhantomData<fn() -> E>);

impl<E> Clone for RowId<E> {
    fn clone(&self) -> Self {
        Self(self.0, PhantomData)
    }
}

impl<E> PartialEq for RowId<E> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<E> Eq for RowId<E> {}

impl<E> Hash for RowId<E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<E: Owned> Loader<RowId<E>> for Fetch {
    type Value = E::Model;
    type Error = Shared;

    async fn load(&self, keys: &[RowId<E>]) -> Result<HashMap<RowId<E>, E::Model>, Shared> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let rows = reach::by_ids::<E>(&self.viewer, &self.ground, &ids).await?;
        Ok(rows.into_iter().map(|(id, row)| (RowId(id, PhantomData), row)).collect())
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct PageOf<L> {
    parent: Uuid,
    list: L,
    page: Page,
}

impl<L: List> Loader<PageOf<L>> for Fetch {
    type Value = Slice<<L::Entity as EntityTrait>::Model>;
    type Error = Shared;

    async fn load(&self, keys: &[PageOf<L>]) -> Result<HashMap<PageOf<L>, Self::Value>, Shared> {
        let mut groups: HashMap<(&L, &Page), Vec<Uuid>> = HashMap::new();
        for key in keys {
            groups.entry((&key.list, &key.page)).or_default().push(key.parent);
        }
        let mut found = HashMap::with_capacity(keys.len());
        for ((list, page), parents) in groups {
            let slices = reach::slices(&self.viewer, &self.ground, list, &parents, page).await?;
            found.extend(
                slices.into_iter().map(|(parent, slice)| {
                    (PageOf { parent, list: list.clone(), page: page.clone() }, slice)
                }),
            );
        }
        Ok(found)
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct LeanOf<L> {
    of: PageOf<L>,
    columns: Columns,
    is_counted: bool,
}

impl<L: List> Loader<LeanOf<L>> for Fetch {
    type Value = Arc<Lean>;
    type Error = Shared;

    async fn load(&self, keys: &[LeanOf<L>]) -> Result<HashMap<LeanOf<L>, Arc<Lean>>, Shared> {
        let mut groups: HashMap<_, HashMap<Uuid, &LeanOf<L>>> = HashMap::new();
        for key in keys {
            let PageOf { parent, list, page } = &key.of;
            groups.entry((list, page, (&key.columns, key.is_counted))).or_default().insert(*parent, key);
        }
        let mut found = HashMap::with_capacity(keys.len());
        for ((list, page, columns), asked) in groups {
            let parents: Vec<Uuid> = asked.keys().copied().collect();
            let pages = reach::lean(&self.viewer, &self.ground, list, &parents, page, columns).await?;
            found.extend(
                pages.into_iter().filter_map(|(parent, page)| Some(((*asked.get(&parent)?).clone(), page))),
            );
        }
        Ok(found)
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct CountOf<L> {
    parent: Uuid,
    list: L,
}

impl<L: List> Loader<CountOf<L>> for Fetch {
    type Value = u64;
    type Error = Shared;

    async fn load(&self, keys: &[CountOf<L>]) -> Result<HashMap<CountOf<L>, u64>, Shared> {
        let mut groups: HashMap<&L, Vec<Uuid>> = HashMap::new();
        for key in keys {
            groups.entry(&key.list).or_default().push(key.parent);
        }
        let mut found = HashMap::with_capacity(keys.len());
        for (list, parents) in groups {
            let counts = reach::counts(&self.viewer, &self.ground, list, &parents).await?;
            found.extend(
                counts.into_iter().map(|(parent, count)| (CountOf { parent, list: list.clone() }, count)),
            );
        }
        Ok(found)
    }
}
