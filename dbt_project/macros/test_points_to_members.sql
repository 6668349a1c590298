{# Generic test: each key of a fact points to a member of its dimension. All keys in one pass over the fact; a row for each that does not
   hold, with how often. `keys` says column: dimension.key, once for the test, the pictures of the stars and the bus matrix.

   An incremental build looks at the rows that it wrote, and at those of the persons whose versions it wrote: dim_person alone takes
   members away. The other dimensions stand on seeds, which a build without full refresh has not changed, or only ever grow. #}
{% test points_to_members(model, keys) %}
    {{- config(fail_calc='coalesce(cast(sum(n_rows) as bigint), 0)') -}}
    with checked as (
        {{ rows_to_check(model, keys) }}
    ),

    counted as (
        select
            {% for to in keys.values() %}
                count(*) filter (where to_{{ loop.index }}.{{ to.split('.')[1] }} is null) as n_{{ loop.index }}{{ ',' if not loop.last }}
            {% endfor %}
        from checked
        {% for column, to in keys.items() %}
            left join {{ member('checked.' ~ column, to, model) }} as to_{{ loop.index }}
                on checked.{{ column }} = to_{{ loop.index }}.{{ to.split('.')[1] }}
        {% endfor %}
    )

    select
        lost.key_column,
        lost.n_rows
    from counted
    cross join lateral (
        values
        {% for column in keys %}
            ('{{ column }}', counted.n_{{ loop.index }}){{ ',' if not loop.last }}
        {% endfor %}
    ) as lost (key_column, n_rows)
    where lost.n_rows > 0
{% endtest %}

{# Rows of a fact that this build can have broken. The key of a person's version stands beside that of the person, under the same name. #}
{% macro rows_to_check(fact, keys) -%}
    {%- set looked_up = [] -%}
    {%- set touched = touched_of(fact.identifier) if not flags.FULL_REFRESH -%}
    {%- if touched -%}
        {%- do looked_up.append([touched.by, is_touched('fact', touched)]) -%}
        {%- for column, to in keys.items() if touched_of(to.split('.')[0]) -%}
            {%- set members = touched_of(to.split('.')[0]) -%}
            {%- do looked_up.append([members.by, 'fact.' ~ column | replace('_version', '') ~ ' = touched.' ~ members.columns[0]]) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for by, condition in looked_up or [[none, none]] %}
        {{ 'union' if not loop.first }}
        select
            fact.ctid,
            fact.{{ keys | join(', fact.') }}
        from {{ fact }} as fact
        {{ 'inner join ' ~ model_relation(by) ~ ' as touched on ' ~ condition if by }}
    {%- endfor -%}
{%- endmacro %}

{# Those of a dimension that a build writes by person are many, and the rows that it can have broken few: each looks up its own. #}
{% macro member(key, to, fact) -%}
    {%- set dimension, dimension_key = to.split('.') -%}
    {%- if touched_of(dimension) and touched_of(fact.identifier) and not flags.FULL_REFRESH -%}
        lateral (
            select known.{{ dimension_key }}
            from {{ ref(dimension) }} as known
            where {{ key }} = known.{{ dimension_key }}
            limit 1
        )
    {%- else -%}
        {{ ref(dimension) }}
    {%- endif -%}
{%- endmacro %}

{# What a model says of itself: which of its rows an incremental build writes again. Nothing is known yet while dbt parses. #}
{% macro touched_of(name) -%}
    {{ return(graph.nodes['model.' ~ project_name ~ '.' ~ name].config.meta.get('touched') if execute) }}
{%- endmacro %}

{# A model that one in the graph stands on, so that it has been built: no ref, which would have to be known while dbt parses. #}
{% macro model_relation(name) -%}
    {{ return(graph.nodes['model.' ~ project_name ~ '.' ~ name].relation_name) }}
{%- endmacro %}
