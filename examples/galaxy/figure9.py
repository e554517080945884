# Figure 9 of Gioachin and Kale, "Dynamic High-Level Scripting in Parallel Applications" (2009): the black holes of a
# simulation, which are known to have a negative formation time. Only print is Python 3's.
charm.loadSimulation('bhmerger2.3.00006')
charm.createGroup_AttributeRange('blackholes', 'All', 'formationtime', -1e38, -1.0e-38)
print(charm.getNumParticles('blackholes', 'star'))
