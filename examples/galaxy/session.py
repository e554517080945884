# An analysis after Figure 9: how fast the stars are, where the gas is warm, and where both have their centre.
print(charm.loadSimulation('bhmerger2.3.00006'), 'particles at time', charm.getTime())
for family in charm.getFamilies():
    print(f"{family:4} {charm.getNumParticles('All', family):5} particles, mass {charm.getAttributeSum('All', family, 'mass'):.4f}")

# The two galaxies lie on either side of x = 0.
charm.createAttribute('x', 'all', 'position[:, 0]')
charm.createGroup_AttributeRange('left', 'All', 'x', -1e38, 0)
print('centre of the left one: {:.3f} {:.3f} {:.3f}'.format(*charm.getCenterOfMass('left', 'dark')))

charm.createAttribute('speed', 'star', 'sqrt((velocity**2).sum(axis=1))')
least, most = charm.getAttributeRange('All', 'star', 'speed')
print(f'stars go with {least:.4f} to {most:.4f}')
for count in charm.getHistogram('All', 'star', 'speed', 8, least, most):
    print('#' * (count // 10), count)

charm.createGroup_AttributeRange('warm', 'left', 'temperature', 7000, 1e38)
print(charm.getNumParticles('warm', 'gas'), 'of', charm.getNumParticles('left', 'gas'), 'gas particles are warm')
