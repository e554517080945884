# For iterate mode: motet run pieces mass.py --iterate f --over All.gas --reduce sum
def f(p):
    return p.mass
