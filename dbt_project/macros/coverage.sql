{# What was expected and received of a subject of int_coverage__cell, in the cells of an aggregate: of those that have begun to be
   delivered; in an incremental build of those that are touched, or of the touched years and places as a whole. #}
{% macro coverage_of(subject, touched, types=['month', 'quarter', 'half_year', 'year'], is_of_years=false) -%}
    select cell.*
    from {{ ref('int_coverage__cell') }} as cell
    where
        cell.subject_code = {{ subject }}
        and cell.period_type in ('{{ types | join("', '") }}')
        {% if not is_of_years %}
            and cell.is_begun
        {% endif %}
    {% if is_incremental() and is_of_years %}
            and (extract(year from cell.period_start_on), cell.territory_level, cell.territory_code) in (
                select
                    touched.year_number,
                    touched.territory_level,
                    touched.territory_code
                from {{ ref(touched) }} as touched
            )
        {% elif is_incremental() %}
            and {{ is_among_touched(touched, ['period_type', 'period_start_on', 'territory_level', 'territory_code']) }}
    {% endif %}
{%- endmacro %}

{# So many per 1,000 residents; none where nobody delivered. Rounded by who shows it. #}
{% macro rate(n, residents) -%}
    1000 * cast({{ n }} as double precision) / nullif({{ residents }}, 0)
{%- endmacro %}
