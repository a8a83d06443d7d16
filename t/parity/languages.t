#!/usr/bin/perl
# The languages that TextCat finds beside those of the real SpamAssassin, with the models of its
# package, how much text was looked at, and the hits of rules that ask: over every tenth message of
# both corpora (all of them with POTERNE_TEST_ALL=1).
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::SpamAssassin;

use constant AGREE => 99.9;    # percent of the messages

my $build = $ENV{POTERNE_BUILD} // 'build';
my ( $queries, $hits ) = map {"$build/t/parity/$_"} qw(header_queries rules_hits);
plan skip_all => "$hits is not built" if !-x $hits;
my @paths = Poterne::SpamAssassin::paths_or_skip( $queries, 10 );

# The rules of TextCat's own file, some that ask for the header, and its models.
my $folder = tempdir( 'poterne-languages-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
my $rules  = "$folder/rules";
mkdir $rules or die "$rules: $!\n";
symlink Poterne::SpamAssassin::RULES . "/$_", "$rules/$_" or die "$rules/$_: $!\n" for qw(languages 25_textcat.cf);
Poterne::SpamAssassin::put( "$rules/init.pre", map {"loadplugin Mail::SpamAssassin::Plugin::$_\n"} qw(Check TextCat) );
Poterne::SpamAssassin::put( "$rules/30_settings.cf", <<'RULES' );
ok_languages en de sl
inactive_languages la eo sl
textcat_max_languages 4
textcat_optimal_ngrams 1
textcat_max_ngrams 350
textcat_acceptable_score 1.03
header HAS_LANGUAGES exists:X-Languages
header NO_LANGUAGE X-Languages =~ /^$/
header ROMANCE X-Languages =~ /\b(?:fr|es|it|pt|ro)\b/
header LONG_TEXT X-Languages-Length =~ /^10000$/
score UNWANTED_LANGUAGE_BODY 1
score BODY_8BITS 1
RULES
Poterne::SpamAssassin::put( "$folder/paths", map {"$_\n"} @paths );

sub lines_of {
    my ($command) = @_;
    open my $from, '-|', "$command <$folder/paths 2>>$folder/errors" or die "$command: $!\n";
    chomp( my @lines = <$from> );
    close $from;
    return @lines;
}

# { PATH => [ LANGUAGES, LENGTH, RULES ] }
sub their_answers {
    my @from;
    for my $part ( 0, 1 ) {
        my $command = "$^X t/parity/folder_answers.pl $rules $part 2 X-Languages X-Languages-Length <$folder/paths 2>>$folder/errors";
        open $from[$part], '-|', $command or die "$command: $!\n";
    }
    my %answer;
    for my $from (@from) {
        while (<$from>) {
            chomp;
            my ( $path, @said ) = split /\t/, $_, -1;
            $answer{$path} = \@said;
        }
        close $from;
    }
    return \%answer;
}

sub our_answers {
    my %answer = map { $_ => [ '', '', '' ] } @paths;
    for ( lines_of("$queries -r $rules X-Languages X-Languages-Length") ) {
        my ( $path, $query, $value ) = split /\t/, $_, -1;
        $answer{$path}[ $query eq 'X-Languages' ? 0 : 1 ] = $value;
    }
    for ( lines_of("$hits -r $rules --messages -") ) {
        my ( $path, undef, $names ) = split /\t/, $_, -1;
        $answer{$path}[2] = $names;
    }
    return \%answer;
}

my ( $theirs, $ours ) = ( their_answers(), our_answers() );
is( keys %$theirs, @paths, 'SpamAssassin is through' );
my %known;
$known{ $_->[0] }++ for values %$theirs;
cmp_ok( scalar keys %known, '>', 5, 'several languages are found' );
for my $what ( [ 'languages', 0 ], [ 'length', 1 ], [ 'hits', 2 ] ) {
    my ( $name, $at ) = @$what;
    my @differ = grep { $theirs->{$_}[$at] ne $ours->{$_}[$at] } sort @paths;
    my $agree = 100 * ( 1 - @differ / @paths );
    cmp_ok( $agree, '>=', AGREE, sprintf '%s: %.2f %% of %d messages alike', $name, $agree, scalar @paths )
        or diag( map {"$_: $theirs->{$_}[$at] is not $ours->{$_}[$at]\n"} splice @differ, 0, 10 );
}
done_testing();
