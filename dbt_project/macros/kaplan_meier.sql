{# Product-limit estimate from a relation with n_at_risk and n_happened per day_number: share that has not had the event, its standard
   error (Greenwood's, times the root of the `design_effect` of requests that share a person), log-log confidence bands of 95 %. Days without
   an event change nothing and are left out. Bands need an estimate between 0 and 1. The product goes through logarithms, so it is rounded
   far below what anybody reads: a half is then a half. tests/integration/test_kaplan_meier.py holds it against a statistics library,
   published tables and exact fractions. #}
{% macro kaplan_meier(relation, cuts, design_effect='1') -%}
    select
        {% for cut in cuts %}
            curve.{{ cut }},
        {% endfor %}
        curve.day_number,
        curve.n_at_risk,
        curve.n_happened,
        curve.waiting_share,
        curve.waiting_share * sqrt(curve.variance) as waiting_share_error,
        case
            when curve.waiting_share > 0 and curve.waiting_share < 1
                then exp(ln(curve.waiting_share) * exp(1.959963984540054 * sqrt(curve.variance) / abs(ln(curve.waiting_share))))
        end as waiting_share_low,
        case
            when curve.waiting_share > 0 and curve.waiting_share < 1
                then exp(ln(curve.waiting_share) * exp(-1.959963984540054 * sqrt(curve.variance) / abs(ln(curve.waiting_share))))
        end as waiting_share_high
    from (
        select
            {% for cut in cuts %}
                step.{{ cut }},
            {% endfor %}
            step.day_number,
            step.n_at_risk,
            step.n_happened,
            case
                when min(step.n_at_risk - step.n_happened) over upto = 0 then 0
                else cast(
                    round(
                        cast(
                            exp(sum(ln(nullif(cast(step.n_at_risk - step.n_happened as double precision), 0) / step.n_at_risk)) over upto)
                            as numeric
                        ), 12
                    ) as double precision
                )
            end as waiting_share,
            {{ design_effect }} * sum(
                cast(step.n_happened as double precision)
                / nullif(cast(step.n_at_risk as double precision) * (step.n_at_risk - step.n_happened), 0)
            ) over upto as variance
        from {{ relation }} as step
        where step.n_happened > 0
        window upto as (
            partition by {% for cut in cuts %}step.{{ cut }}{{ ', ' if not loop.last }}{% endfor %}
            order by step.day_number
        )
    ) as curve
{%- endmacro %}
