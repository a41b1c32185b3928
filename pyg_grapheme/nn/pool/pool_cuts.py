"""Every cut as a pooled graph of its own."""

from torch import Tensor, nn

from pyg_grapheme.graphs.check_graphs import Graphs
from pyg_grapheme.graphs.repeat_graphs import repeat_graphs
from pyg_grapheme.nn.pool.clustering.acyclic import acyclic_roots
from pyg_grapheme.nn.pool.clustering.components import dense_labels
from pyg_grapheme.nn.pool.connect import coarse_batch, connect_clusters
from pyg_grapheme.nn.pool.dendrogram.cuts import CutStructure
from pyg_grapheme.nn.pool.history import make_history
from pyg_grapheme.nn.pool.output import Cuts, PoolOutput
from pyg_grapheme.nn.pool.reduce import reduce_members


def pool_cuts(
    cuts: CutStructure,
    graphs: Graphs,
    reduce: nn.Module,
    edge_reduce: str,
    acyclic: bool,
    threshold: Tensor,
) -> Cuts:
    """Reduce and connect all cuts, each a copy of its graph.

    Cost: O(N' F + E' log E'), over all copies.
    """
    edges = repeat_graphs(graphs.edge_index, graphs.batch, graphs.num_graphs, cuts.graph)
    root = acyclic_roots(cuts.root, edges.edge_index) if acyclic else cuts.root
    cluster, num_clusters = dense_labels(root)
    node = cuts.copies.node
    copied_attr = None if graphs.edge_attr is None else graphs.edge_attr[edges.edge]
    output = PoolOutput(
        reduce_members(reduce, graphs.x[node], cluster, num_clusters),
        *connect_clusters(cluster, num_clusters, edges.edge_index, copied_attr, edge_reduce),
        coarse_batch(cuts.copies.batch, cluster, num_clusters),
        make_history(cluster, num_clusters, cuts.graph.numel(), threshold, graphs.x.dtype),
    )
    halves, dropped = cuts.choice[2:]
    return Cuts(output, cuts.weight, cuts.graph, node, graphs.num_graphs, dropped, halves)
