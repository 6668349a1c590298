{# How a build writes. What is not there yet, and everything at a full refresh, goes dbt's own way: contract checked, made aside, swapped
   in. An incremental build has the project of the build before, so it asks nothing about columns again and writes into the tables that
   are there, in one transaction: readers see the old rows or the new ones, and views and grants stay. #}
{% materialization incremental, adapter='postgres' %}
    {%- if is_incremental() -%}
        {{ return(write_again(delete_touched())) }}
    {%- endif -%}
    {{ return(dbt.materialization_incremental_default()) }}
{% endmaterialization %}

{# Nobody reads the intermediate tables but the build, which may therefore lock them; elsewhere people go on reading while it writes. #}
{% materialization table, adapter='postgres' %}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and existing.is_table and not should_full_refresh() -%}
        {%- set key = config.get('indexes', []) | selectattr('unique', 'true') | map(attribute='columns') | first -%}
        {%- if this.schema == 'intermediate' -%}
            {{ return(write_again('truncate ' ~ this)) }}
        {%- endif -%}
        {{ return(write_differences(key) if key else write_again('delete from ' ~ this)) }}
    {%- endif -%}
    {{ return(dbt.materialization_table_default()) }}
{% endmaterialization %}

{% macro write_again(clear) -%}
    {%- call in_one_transaction() -%}
        {{ clear ~ ';' if clear }}
        insert into {{ this }}
        {{ in_order_of_contract() if config.get('contract').enforced else sql }}
    {%- endcall -%}
    {{ return({'relations': [this]}) }}
{%- endmacro %}

{# Most rows of a table with a key are from build to build what they were, and stay. #}
{% macro write_differences(key) -%}
    {%- set columns = adapter.get_columns_in_relation(this) | map(attribute='quoted') | list -%}
    {%- call in_one_transaction() -%}
        merge into {{ this }} as kept
        using (
            {{ sql }}
        ) as made
            on {% for column in key %}kept.{{ column }} = made.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
        when matched and (kept.{{ columns | join(', kept.') }}) is distinct from (made.{{ columns | join(', made.') }}) then
            update set {% for column in columns %}{{ column }} = made.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
        when not matched by target then
            insert ({{ columns | join(', ') }}) values (made.{{ columns | join(', made.') }})
        when not matched by source then
            delete
    {%- endcall -%}
    {{ return({'relations': [this]}) }}
{%- endmacro %}

{# The statement of the caller, and the hooks around it. #}
{% macro in_one_transaction() -%}
    {%- set written = caller() -%}
    {{ run_hooks(pre_hooks) }}
    {%- call statement('main') -%}
        {{ written }}
    {%- endcall -%}
    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
{%- endmacro %}

{# A contract says names, in an order that the SQL need not have. #}
{% macro in_order_of_contract() -%}
    ({{ adapter.dispatch('get_column_names', 'dbt')() }}) {{ get_select_subquery(sql) }}
{%- endmacro %}

{# Takes away what this build writes again: the rows of the fact that meta `touched` of the model names. Without it rows are only added. #}
{% macro delete_touched() -%}
    {%- set touched = model.config.meta.touched -%}
    {%- if touched -%}
        delete from {{ this }} as kept using {{ ref(touched.by) }} as touched where {{ is_touched('kept', touched) }}
    {%- endif -%}
{%- endmacro %}

{# `by` is the model of what is touched, `columns` are its key, `only` says which of its rows, `day` is the row's day that counts from
   touched_from on. #}
{% macro is_touched(row, touched) -%}
    {%- for column in touched.columns %}{{ row }}.{{ column }} = touched.{{ column }}{{ ' and ' if not loop.last }}{% endfor -%}
    {{ ' and touched.' ~ touched.only if touched.only }}
    {{ ' and ' ~ row ~ '.' ~ touched.day ~ ' >= touched.touched_from' if touched.day }}
{%- endmacro %}
