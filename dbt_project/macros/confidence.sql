{# 95 % confidence limits in SQL; `side` is - for the lower limit and + for the upper one. Counts: exact (Poisson) below 10, where it
   matters, Byar's approximation from there, as public health observatories do; proportions: Wilson's score. Events of
   persons who have several: the limits of the count, wider by the root of its variance over a Poisson one's. Standardised rates:
   Dobson's limits on the count; estimates and shares of requests that share persons bring their own (macros kaplan_meier,
   design_effect). tests/e2e/test_indicators.py holds them against SciPy. #}
{% macro poisson(n, side) -%}
    {%- if side == '-' -%}
        {%- set exact = '0, 0.025318, 0.242209, 0.618672, 1.089865, 1.623486, 2.201894, 2.814363, 3.453832, 4.115373' -%}
        {%- set count = n -%}
    {%- else -%}
        {%- set exact = '3.688879, 5.571643, 7.224688, 8.767273, 10.241589, 11.668332, 13.059474, 14.422675, 15.763189, 17.084803' -%}
        {%- set count = '(' ~ n ~ ' + 1)' -%}
    {%- endif -%}
    case
        when {{ n }} < 10 then (array[{{ exact }}])[cast({{ n }} as integer) + 1]
        else {{ count }} * power(1 - 1 / (9 * {{ count }}) {{ side }} 1.959964 / (3 * sqrt({{ count }})), 3)
    end
{%- endmacro %}

{% macro wilson(x, n, side) -%}
    (
        {{ x }} + 3.841459 / 2 {{ side }} 1.959964 * sqrt({{ x }} * ({{ n }} - {{ x }}) / {{ n }} + 3.841459 / 4)
    ) / ({{ n }} + 3.841459)
{%- endmacro %}

{# By how much requests that share persons widen the variance of a share: the sum over persons of the square of what theirs together depart
   from the share, over the sum over requests. Of n requests x have it; nn, nx and xx are the sums over persons of n², n·x and x². Where
   all or none have it nobody can tell, and each person counts as one. Never below 1: chance does not narrow limits. #}
{% macro design_effect(of) -%}
    greatest(
        1,
        case
            when {{ of }}.x in (0, {{ of }}.n) then {{ of }}.nn / {{ of }}.n
            else
                ({{ of }}.xx - 2 * {{ of }}.x / {{ of }}.n * {{ of }}.nx + power({{ of }}.x / {{ of }}.n, 2) * {{ of }}.nn)
                / ({{ of }}.x * (1 - {{ of }}.x / {{ of }}.n))
        end
    )
{%- endmacro %}

{# A limit of the row of `computed`, by the method of its indicator; none without a denominator. #}
{% macro limit_of(side) -%}
    case
        when computed.denominator > 0
            then
                case computed.interval_method
                    when 'poisson'
                        then computed.multiplier * {{ poisson('computed.numerator', side) }} / computed.denominator
                    when 'compound_poisson'
                        then
                            computed.indicator_value
                            + computed.multiplier / computed.denominator
                            * sqrt(coalesce(computed.variance / nullif(computed.numerator, 0), 1))
                            * ({{ poisson('computed.numerator', side) }} - computed.numerator)
                    when 'standardised'
                        then
                            computed.indicator_value
                            + computed.multiplier * sqrt(computed.variance / nullif(computed.numerator, 0))
                            * ({{ poisson('computed.numerator', side) }} - computed.numerator)
                    when 'wilson'
                        then computed.multiplier * {{ wilson('computed.numerator', 'computed.denominator', side) }}
                    when 'estimated'
                        then {{ 'computed.own_low' if side == '-' else 'computed.own_high' }}
                    when 'clustered'
                        then {{ 'computed.own_low' if side == '-' else 'computed.own_high' }}
                end
    end
{%- endmacro %}
